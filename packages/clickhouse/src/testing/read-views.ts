import type { Reader } from '../index.js';
import type { ModelPerson, ModelSession, ModelViews } from './identity-model.js';

/** Reads one project's three views as a tenant does, in the form of the model. */
export async function readViews(reader: Reader, projectId: string): Promise<ModelViews> {
  const rows = async <T>(sql: string): Promise<T[]> => {
    const parts: Uint8Array[] = [];
    for await (const part of await reader.query(projectId, sql)) parts.push(part);
    const lines = Buffer.concat(parts).toString('utf8').split('\n');
    // The caller declares the row type that its SELECT returns.
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
  };
  const [events, persons, sessions] = await Promise.all([
    rows<{ event_id: string; distinct_id: string | null }>('SELECT event_id, distinct_id FROM weir.events'),
    rows<ModelPerson & { distinct_id: string; properties: string }>(
      `SELECT * REPLACE (${milliseconds('first_seen')}, ${milliseconds('last_seen')}, toFloat64(event_count) AS event_count,
         toFloat64(session_count) AS session_count) FROM weir.persons`,
    ),
    rows<ModelSession & { session_id: string }>(
      `SELECT * REPLACE (${milliseconds('started_at')}, ${milliseconds('ended_at')}, toFloat64(event_count) AS event_count,
         toFloat64(duration_ms) AS duration_ms) FROM weir.sessions`,
    ),
  ]);
  return {
    events: byKey(events.map(({ event_id, distinct_id }) => [event_id, distinct_id])),
    persons: byKey(
      persons.map(({ distinct_id, ...person }) => [
        distinct_id,
        { ...person, properties: JSON.parse(person.properties) as unknown },
      ]),
    ),
    sessions: byKey(sessions.map(({ session_id, ...session }) => [session_id, session])),
  };
}

/** As doubles, which represent these numbers exactly and are numbers in JSON. */
function milliseconds(column: string): string {
  return `toFloat64(toUnixTimestamp64Milli(${column})) AS ${column}`;
}

function byKey<T>(entries: [string, T][]): Map<string, T> {
  const map = new Map(entries);
  if (map.size !== entries.length) throw new Error('a view has two rows of one key');
  return map;
}
