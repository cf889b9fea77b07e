/** There is no such group. */
export class FeedGroupMissing extends Error {
  override readonly name = 'FeedGroupMissing';

  constructor(group: string) {
    super(`there is no group "${group}"`);
  }
}

/** There is such a group, and it was made with another option. */
export class FeedGroupExists extends Error {
  override readonly name = 'FeedGroupExists';
  /** Which one, and what it is. */
  readonly option: string;

  constructor(group: string, option: string, value: unknown) {
    super(`the group "${group}" exists with another "${option}": ${JSON.stringify(value)}`);
    this.option = option;
  }
}

/** The project has as many groups as it may have. */
export class TooManyFeedGroups extends Error {
  override readonly name = 'TooManyFeedGroups';
  readonly limit: number;

  constructor(limit: number) {
    super(`the project has ${limit} groups, which is the most`);
    this.limit = limit;
  }
}
