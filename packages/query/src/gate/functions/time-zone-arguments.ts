/** Where a function takes a time zone: the index of the first argument that may be one, by the name in lower case. */
export const TIME_ZONE_FROM: ReadonlyMap<string, number> = new Map();
