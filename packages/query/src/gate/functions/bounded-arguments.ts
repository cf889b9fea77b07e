/**
 * Functions whose work is the product of two arguments' lengths and cannot be interrupted, by the name in lower case:
 * which argument must be short, by its index, or any of the first two. `hasAll(range(1000000), range(1000000))` holds
 * the engine for minutes.
 */
export const SHORT_ARGUMENT: ReadonlyMap<string, number | 'either'> = new Map<string, number | 'either'>([
  ...of('either', 'hasAll hasAny'),
  ...of(
    'either',
    `damerauLevenshteinDistance editDistance editDistanceUTF8 jaroSimilarity jaroWinklerSimilarity
     levenshteinDistance levenshteinDistanceUTF8`,
  ),
  ...of(0, 'locate'),
  ...of(
    1,
    `countSubstrings countSubstringsCaseInsensitive countSubstringsCaseInsensitiveUTF8 instr position
     positionCaseInsensitive positionCaseInsensitiveUTF8 positionUTF8`,
  ),
  ...of(
    1,
    `multiSearchAllPositions multiSearchAllPositionsCaseInsensitive multiSearchAllPositionsCaseInsensitiveUTF8
     multiSearchAllPositionsUTF8 multiSearchAny multiSearchAnyCaseInsensitive multiSearchAnyCaseInsensitiveUTF8
     multiSearchAnyUTF8 multiSearchFirstIndex multiSearchFirstIndexCaseInsensitive
     multiSearchFirstIndexCaseInsensitiveUTF8 multiSearchFirstIndexUTF8 multiSearchFirstPosition
     multiSearchFirstPositionCaseInsensitive multiSearchFirstPositionCaseInsensitiveUTF8
     multiSearchFirstPositionUTF8`,
  ),
]);

/** How long a short argument may be, in characters of the query or of the parameter's value. */
export const MAX_SHORT = 4_000;

function of(index: number | 'either', names: string): [string, number | 'either'][] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => [name.toLowerCase(), index]);
}
