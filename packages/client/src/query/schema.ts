import type { Connection } from '../http/connection.js';
import { documentOf, documentsOf } from '../http/document.js';

/** A table that SQL can read. */
export interface SchemaTable {
  readonly name: string;
  readonly description: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly description: string }[];
}

/** An event name, with what its events hold. */
export interface SchemaEvent {
  readonly event: string;
  readonly count: number;
  /** RFC 3339. */
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** Events that the properties were read from. */
  readonly sampled: number;
  readonly properties: readonly {
    readonly key: string;
    readonly count: number;
    /** Types of JSON. */
    readonly types: readonly string[];
    /** JSON texts. */
    readonly examples: readonly string[];
  }[];
}

/** What there is to ask about. */
export interface Schema {
  readonly tables: readonly SchemaTable[];
  /** Found in the newest 50,000 events, at most a minute old; empty unless `properties` is asked for. */
  readonly events: readonly SchemaEvent[];
}

/** See {@link Weir.schema}. */
export async function schema(
  connection: Connection,
  project: string,
  { properties = false }: { readonly properties?: boolean } = {},
): Promise<Schema> {
  const answer = await connection.json({
    path: `/api/v1/projects/${encodeURIComponent(project)}/schema`,
    query: { properties: properties ? 1 : undefined },
  });
  const { tables } = documentOf<Pick<Schema, 'tables'>>(answer);
  return { tables, events: properties ? documentsOf<SchemaEvent>(answer, 'events') : [] };
}
