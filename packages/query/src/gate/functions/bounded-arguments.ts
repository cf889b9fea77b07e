/**
 * Functions whose work is the product of two arguments' lengths and cannot be interrupted, by lower-case name: the
 * index of the argument that must be short, or any of the first two. `hasAll(range(1000000), range(1000000))` occupies
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

/** Maximum length of a short argument, in characters of the query or of the parameter's value. */
export const MAX_SHORT = 4_000;

function of(index: number | 'either', names: string): [string, number | 'either'][] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => [name.toLowerCase(), index]);
}
