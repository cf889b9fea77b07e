import { WeirError } from '@weir/base';

/** An error in the form of ClickHouse's HTTP interface: a code, its name, a text. */
export class EngineException extends WeirError {
  /** ClickHouse's numeric code. */
  readonly number: number;
  /** The whole body: `Code: N. DB::Exception: … (NAME)`. */
  readonly text: string;

  constructor(number: number, code: string, message: string) {
    // The HTTP status that ClickHouse uses for this code.
    super(code, message, { status: STATUS_OF_CODE.get(number) ?? 500 });
    this.number = number;
    this.text = `Code: ${number}. DB::Exception: ${message} (${code})`;
  }

  /** Parses an error of chDB, whose message is ClickHouse's own text, sometimes wrapped twice. */
  static from(thrown: unknown): EngineException {
    if (thrown instanceof EngineException) return thrown;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const errno = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (errno === 'ENOSPC') return new EngineException(243, 'NOT_ENOUGH_SPACE', 'No space left on device');
    if (/^E[A-Z]+$/.test(errno)) return new EngineException(425, 'SYSTEM_ERROR', `System error ${errno}`);
    return parse(bounded(text)) ?? new EngineException(1002, 'UNKNOWN_EXCEPTION', bounded(text));
  }
}

const PREFIX = /^Code: (\d+)\. DB::Exception: /;
const VERSION = / \(version [^()]{1,200}\)\.?$/;
const NAME = / ?\(([A-Z][A-Z0-9_]{2,100})\)\.?$/;
/** The engine quotes values in its texts, and a value may have megabytes: only this much of either end is kept. */
const END_CHARACTERS = 8_192;

/**
 * Parses ClickHouse's text from both ends. A regular expression over the whole text would need quadratic time on a long
 * run of blanks in the middle, which a tenant can cause.
 */
function parse(text: string): EngineException | undefined {
  const start = text.indexOf('Code: ');
  let rest = (start < 0 ? '' : text.slice(start)).trimEnd();
  const code = PREFIX.exec(rest)?.[1];
  // A wrapped text repeats its prefix and suffix.
  for (let prefix = PREFIX.exec(rest); prefix !== null; prefix = PREFIX.exec(rest))
    rest = rest.slice(prefix[0].length);
  let name: string | undefined;
  for (;;) {
    const ending = VERSION.exec(tail(rest)) ?? NAME.exec(tail(rest));
    if (ending === null || (name !== undefined && ending[1] !== undefined && ending[1] !== name)) break;
    name ??= ending[1];
    rest = rest.slice(0, rest.length - ending[0].length).trimEnd();
  }
  if (code === undefined || name === undefined) return undefined;
  return new EngineException(Number(code), name, rest);
}

/** The end of a text, long enough for a suffix. */
function tail(text: string): string {
  return text.slice(-400);
}

function bounded(text: string): string {
  if (text.length <= 2 * END_CHARACTERS) return text;
  return `${text.slice(0, END_CHARACTERS)} … ${text.slice(-END_CHARACTERS)}`;
}

// Follows ClickHouse's exceptionCodeToHTTPStatus for the codes that matter to a client.
const STATUS_OF_CODE: ReadonlyMap<number, number> = new Map([
  ...[6, 26, 27, 33, 36, 38, 41, 42, 43, 53, 62, 69, 70, 72, 117, 456, 457].map(
    (code) => [code, 400] as const,
  ),
  ...[192, 193, 194, 497, 516].map((code) => [code, 403] as const),
  ...[16, 46, 47, 50, 56, 60, 81, 115].map((code) => [code, 404] as const),
  [159, 408],
  [160, 408],
  [223, 413],
  [202, 503],
  [209, 503],
  [439, 503],
  [48, 501],
]);
