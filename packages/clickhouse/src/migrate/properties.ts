/**
 * SQL of a string among an event's properties; '' where there is none or it is something else. JSONExtractString alone
 * will not do: of a number or an object it answers the text, in newer versions of ClickHouse. The whole is parsed once,
 * for the value's own text, and that again.
 */
function stringProperty(name: string): string {
  const text = `JSONExtractRaw(properties, '${name}')`;
  return `if(startsWith(${text}, '"'), JSONExtractString(${text}), '')`;
}

/**
 * SQL of an event's time zone as its client named it, NULL where it named none. The search comes first because it is
 * far cheaper than parsing; it misses nothing, for ingest writes the key as it is, never with escapes.
 */
export const TIMEZONE = `if(position(properties, '"$timezone"') > 0, nullIf(${stringProperty('$timezone')}, ''), NULL)`;
