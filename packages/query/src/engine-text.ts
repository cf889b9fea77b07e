import { PUBLIC_TABLES } from '@weir/clickhouse';

/**
 * The engine's error texts, made fit for whoever asked. They quote values, and name tables, files and expressions
 * behind the public views. Row policies keep other projects' values out of them; this is the wall behind that one.
 */

/** From here on a text speaks of the engine's own doings. */
const INTERNAL =
  /:? \(?(?:In scope|While executing|while executing|While processing|while converting|Stack trace|in file\/uri)\b/;
const QUOTED = /'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const PATH = /(?<![\w<])\/(?:[\w.-]+\/)+[\w.-]*/g;
const MASK = '…';
const MAX_LENGTH = 2_000;
/** Longer than any name worth repeating. */
const MAX_QUOTED = 200;

/**
 * The text without what its reader did not write: a quoted value, an id or a path stays only where it stands in
 * `own`, the texts the reader sent, or is a name anybody may know.
 */
export function scrub(text: string, own: readonly string[]): string {
  const isOwn = (part: string): boolean => own.some((one) => one.includes(part));
  const internal = INTERNAL.exec(text.slice(0, 4 * MAX_LENGTH));
  return text
    .slice(0, internal?.index ?? 4 * MAX_LENGTH)
    .replace(QUOTED, (quoted, single: string | undefined, tick: string | undefined) => {
      const value = single ?? tick ?? '';
      return value.length <= MAX_QUOTED && (isOwn(value) || isName(value))
        ? quoted
        : quoted[0] + MASK + quoted[0];
    })
    .replace(UUID, (id) => (isOwn(id) ? id : MASK))
    .replace(PATH, (path) => (isOwn(path) ? path : MASK))
    .replace(/\b__table\d+\./g, '')
    .replace(/\bweir_base\.\w+/g, MASK)
    .slice(0, MAX_LENGTH)
    .trim();
}

/** Names of the public tables' columns, of functions and of types are nobody's secret. */
function isName(value: string): boolean {
  return PUBLIC_COLUMNS.has(value) || TYPE.test(value);
}

/** `String`, `Nullable(DateTime64(3, 'UTC'))`. */
const TYPE =
  /^(?:Array|Bool|Date|Date32|DateTime|DateTime64|Decimal\w*|Enum\w*|FixedString|Float\d+|U?Int\d+|IPv[46]|LowCardinality|Map|Nothing|Nullable|String|Tuple|UUID)(?:\([A-Za-z0-9(), '/_]*\))?$/;

const PUBLIC_COLUMNS: ReadonlySet<string> = new Set(
  PUBLIC_TABLES.flatMap((table) => table.columns.map((column) => column.name)),
);
