/** A public view in the catalog. */
export interface PublicTable {
  readonly name: string;
  readonly description: string;
  readonly columns: readonly PublicColumn[];
}

/** One column of a public view. */
export interface PublicColumn {
  readonly name: string;
  /** ClickHouse's type. */
  readonly type: string;
  readonly description: string;
}

/** The tables that tenants may read. Names and types are those of the views; see views.ts. */
export const PUBLIC_TABLES: readonly PublicTable[] = [
  {
    name: 'events',
    description: 'One row for each event.',
    columns: [
      column('event_id', 'String', "The client's id of the event, or one made on arrival."),
      column('event', 'String', 'The name of what happened.'),
      column(
        'distinct_id',
        'Nullable(String)',
        'Who did it: the user_id, else the user the anonymous_id is linked to, else the anonymous_id; joined users are one.',
      ),
      column('anonymous_id', 'Nullable(String)', 'The id of the device or browser, as sent.'),
      column('user_id', 'Nullable(String)', 'The id of the user, as sent.'),
      column('session_id', 'Nullable(String)', 'The id of the session, as sent.'),
      column('timestamp', "DateTime64(3, 'UTC')", 'When it happened, by the client.'),
      column(
        'properties',
        'String',
        "JSON text of an object: JSONExtractString(properties, 'plan') reads a key.",
      ),
      column('extras', 'String', 'JSON text of every other top-level field that was sent.'),
      column('received_at', "DateTime64(3, 'UTC')", 'When it arrived.'),
    ],
  },
  {
    name: 'persons',
    description: 'One row for each person with events; events without any id belong to no person.',
    columns: [
      column('distinct_id', 'String', 'The person, as in events.distinct_id.'),
      column('first_seen', "DateTime64(3, 'UTC')", 'The earliest timestamp of their events.'),
      column('last_seen', "DateTime64(3, 'UTC')", 'The latest timestamp of their events.'),
      column('event_count', 'UInt64', 'How many events they have.'),
      column('session_count', 'UInt64', 'How many sessions are theirs, by sessions.distinct_id.'),
      column(
        'timezone',
        'Nullable(String)',
        'The time zone of their last event to arrive with a $timezone property.',
      ),
      column(
        'properties',
        'String',
        'JSON text of their traits: for each key the value that arrived last with an $identify.',
      ),
    ],
  },
  {
    name: 'sessions',
    description: 'One row for each session_id.',
    columns: [
      column('session_id', 'String', 'The id of the session, as sent.'),
      column(
        'distinct_id',
        'Nullable(String)',
        'The person of the first event to arrive in the session that has one.',
      ),
      column('started_at', "DateTime64(3, 'UTC')", 'The earliest timestamp of its events.'),
      column('ended_at', "DateTime64(3, 'UTC')", 'The latest timestamp of its events.'),
      column('duration_ms', 'Int64', 'Milliseconds from started_at to ended_at.'),
      column('event_count', 'UInt64', 'How many events it has.'),
      column(
        'timezone',
        'Nullable(String)',
        'The time zone of its last event to arrive with a $timezone property.',
      ),
      column('entry_event', 'String', 'The name of its earliest event.'),
      column('exit_event', 'String', 'The name of its latest event.'),
    ],
  },
];

function column(name: string, type: string, description: string): PublicColumn {
  return { name, type, description };
}
