/** A table that projects may read. */
export interface PublicTable {
  readonly name: string;
  readonly description: string;
  readonly columns: readonly PublicColumn[];
}

/** One of its columns. */
export interface PublicColumn {
  readonly name: string;
  /** ClickHouse's type. */
  readonly type: string;
  readonly description: string;
}

const TIME = "DateTime64(3, 'UTC')";

/** The public tables, as the catalog describes them: the views of the same names have exactly these columns. */
export const PUBLIC_TABLES: readonly PublicTable[] = [
  {
    name: 'events',
    description: 'What happened: one row an event.',
    columns: [
      { name: 'event_id', type: 'String', description: "The client's id of the event, or one made on arrival." },
      { name: 'event', type: 'LowCardinality(String)', description: 'Name of the event.' },
      { name: 'distinct_id', type: 'Nullable(String)', description: 'The person: the same in persons and sessions; null without identity.' },
      { name: 'anonymous_id', type: 'Nullable(String)', description: 'Id of the device or browser, as sent.' },
      { name: 'user_id', type: 'Nullable(String)', description: 'Id of the user, as sent.' },
      { name: 'session_id', type: 'Nullable(String)', description: 'Id of the session, as sent.' },
      { name: 'timestamp', type: TIME, description: 'When it happened.' },
      { name: 'properties', type: 'String', description: 'JSON object of what the client says about the event.' },
      { name: 'extras', type: 'String', description: 'JSON object of every other top-level field that was sent.' },
      { name: 'received_at', type: TIME, description: 'When it arrived.' },
    ],
  },
  { name: 'persons', description: 'Who did it: one row a person.', columns: [] },
  { name: 'sessions', description: 'Visits: one row a session.', columns: [] },
];
