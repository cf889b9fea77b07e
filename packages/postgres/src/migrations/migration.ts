/** One forward step of the schema. A released step is never edited; a further step changes it. */
export interface Migration {
  /** Position in the order, from 1 without gaps. */
  readonly version: number;
  readonly name: string;
  /** One or more statements, run in the transaction that also records the version. */
  readonly sql: string;
}
