/** One step forward of the schema. Once released it is never edited: what follows is a further step. */
export interface Migration {
  /** Position in the order, from 1 without gaps. */
  readonly version: number;
  readonly name: string;
  /** One or more statements, run in the transaction that also records the version. */
  readonly sql: string;
}
