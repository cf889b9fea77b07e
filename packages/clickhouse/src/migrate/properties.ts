/**
 * SQL of a string property of an event; '' if it is missing or has another type. JSONExtractString alone is wrong: for
 * a number or an object, newer versions of ClickHouse return its text. So this extracts the raw value, and parses it
 * again.
 */
function stringProperty(name: string): string {
  const text = `JSONExtractRaw(properties, '${name}')`;
  return `if(startsWith(${text}, '"'), JSONExtractString(${text}), '')`;
}

/**
 * SQL of the time zone that an event's client sent, NULL if none. The search runs first because it is far cheaper than
 * parsing; it misses none, because ingest writes the key without escapes.
 */
export const TIMEZONE = `if(position(properties, '"$timezone"') > 0, nullIf(${stringProperty('$timezone')}, ''), NULL)`;
