/** How functions interpret the names in their string arguments, by lower-case function name. */

/** The argument with a data type: its index, or the last. */
export const TYPE_ARGUMENT: ReadonlyMap<string, number | 'last'> = new Map<string, number | 'last'>([
  ['cast', 1],
  ['_cast', 1],
  ['accuratecastornull', 1],
  ['accuratecastordefault', 1],
  ['reinterpret', 1],
  ['dynamicelement', 1],
  ['variantelement', 1],
  ['defaultvalueoftypename', 0],
  ['jsonextract', 'last'],
  ['jsonextractcaseinsensitive', 'last'],
  ['jsonextractkeysandvalues', 'last'],
  ['jsonextractkeysandvaluescaseinsensitive', 'last'],
]);

/** The first argument is the name of an aggregate function, with its parameters. */
export const AGGREGATE_NAME_FIRST: ReadonlySet<string> = new Set(['arrayreduce', 'arrayreduceinranges']);

/** `system.functions.higher_order`: the first argument may be the bare name of a function instead of a lambda. */
export const HIGHER_ORDER: ReadonlySet<string> = new Set(
  `arrayAll arrayAvg arrayBottomK arrayCompact arrayCount arrayCumSum arrayCumSumNonNegative arrayDifference
   arrayExists arrayFill arrayFilter arrayFirst arrayFirstIndex arrayFirstOrNull arrayFold arrayLast arrayLastIndex
   arrayLastOrNull arrayMap arrayMax arrayMin arrayPartialReverseSort arrayPartialSort arrayProduct arrayReverseFill
   arrayReverseSort arrayReverseSplit arraySort arraySplit arraySum arrayTopK mapAll mapApply mapExists mapFilter
   mapPartialReverseSort mapPartialSort mapReverseSort mapSort`
    .toLowerCase()
    .trim()
    .split(/\s+/),
);

/** The right side of these may be a table. */
export const IN_FUNCTION = /^(?:global)?(?:not)?(?:null)?in(?:ignoreset)?$/i;
