/** One step of the schema. A released step never changes: a further step corrects it. */
export interface Migration {
  /** Its number, from 1 without gaps. */
  readonly id: number;
  readonly name: string;
  /**
   * Run in order. Each must have no effect when repeated (IF NOT EXISTS and the like): after a crash, all of them run
   * again.
   */
  readonly statements: readonly string[];
}

/** The databases of an installation. */
export interface DatabaseNames {
  /** Public views, which tenants may read, and Weir's own records of the schema. */
  readonly views: string;
  /** Variants of the public views for kinds of queries, see views.ts. */
  readonly plain: string;
  readonly keyed: string;
  readonly plainKeyed: string;
  /** Base tables. Each has `project_id`: a row policy on the whole database filters by it. */
  readonly base: string;
  /**
   * Usage records, which tenants may not read: neither the reader nor the views' definer has rights here, see usage.ts.
   */
  readonly usage: string;
}

/** The names of an installation. They are part of the data: a rename is a migration. */
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

/** Every view that a tenant's query may read, with its database: the reader has SELECT on these only. */
export function publicViews({ views, keyed, plain, plainKeyed }: DatabaseNames): readonly string[] {
  return [
    ...[views, keyed].flatMap((database) =>
      ['events', 'persons', 'sessions'].map((view) => `${database}.${view}`),
    ),
    ...[plain, plainKeyed].map((database) => `${database}.events`),
  ];
}
