/** One step of the schema. Steps are never changed once released: what was wrong is put right by a further one. */
export interface Migration {
  /** Its place, from 1 without gaps. */
  readonly id: number;
  readonly name: string;
  /**
   * Run in order. Each must do nothing when it has been done (IF NOT EXISTS and the like): a crash in the middle
   * means that all are run again.
   */
  readonly statements: readonly string[];
}

/** The databases of an installation. */
export interface DatabaseNames {
  /** Public views, which tenants may read, and what Weir keeps of the schema itself. */
  readonly views: string;
  /** The public views again, each pair for questions of which something is known, see views.ts. */
  readonly plain: string;
  readonly keyed: string;
  readonly plainKeyed: string;
  /** Base tables. Every one has `project_id`: a row policy on the whole database filters by it. */
  readonly base: string;
  /** Usage records, which no tenant may read: neither the reader nor the views' definer has rights here, see usage.ts. */
  readonly usage: string;
}

/** The names that belong to an installation. They are part of the data: renaming is a migration. */
export function databaseNames(database = 'weir'): DatabaseNames {
  return {
    views: database,
    plain: `${database}_plain`,
    keyed: `${database}_keyed`,
    plainKeyed: `${database}_plain_keyed`,
    base: `${database}_base`,
    usage: `${database}_usage`,
  };
}

/** Every view a tenant's query may read, with its database: what a reader has SELECT on, and nothing else. */
export function publicViews({ views, keyed, plain, plainKeyed }: DatabaseNames): readonly string[] {
  return [
    ...[views, keyed].flatMap((database) =>
      ['events', 'persons', 'sessions'].map((view) => `${database}.${view}`),
    ),
    ...[plain, plainKeyed].map((database) => `${database}.events`),
  ];
}
