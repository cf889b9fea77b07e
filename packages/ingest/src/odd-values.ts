/**
 * Replaces JSON values that ClickHouse cannot parse. One of them in a document makes all its JSON functions return
 * empty values for the whole document, and `::JSON` fail for the whole query. They are replaced before an event is
 * stored, so that SQL, feed, groups, receipts and exports agree. The values come from JSON with at most {@link
 * MAX_DEPTH} levels.
 */
import { isLongInteger, unmarkedNumber } from './exact-numbers.js';

/** Maximum levels of `properties` and `extras`: ClickHouse cannot parse a document with more than 1,000. */
export const MAX_DEPTH = 500;

/** The replacement of a lone surrogate, as in every WHATWG encoder. */
const REPLACEMENT = '\ufffd';
/** The escape of a surrogate, paired or alone, in a JSON text of a client. Valid UTF-8 has no other form of one. */
const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;
/** The same in the output of `JSON.stringify`, which only escapes lone ones. */
const WRITTEN_SURROGATE = /\\ud[89a-f]/;

/** Maximum listed paths of one event, and their total UTF-16 units: the list counts towards the event's size. */
const MAX_PATHS = 100;
const MAX_PATH_UNITS = 16 * 1024;

/** Whether the text of a client may contain a lone surrogate. */
export function mayHoldSurrogates(json: string): boolean {
  // Most texts have no such escape, and searching two characters costs a tenth of a regular expression.
  return json.includes('\\u') && ESCAPED_SURROGATE.test(json);
}

/** Whether the output of `JSON.stringify` may contain one; a backslash before `ud800` looks the same. */
export function mayHoldLoneSurrogate(json: string): boolean {
  return WRITTEN_SURROGATE.test(json);
}

/**
 * A copy with U+FFFD for each lone surrogate, also in keys. ClickHouse cannot parse duplicate names either: of names
 * that become equal, each after the first gets another U+FFFD and a number.
 */
export function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(wellFormed);
  const names = new FreeNames(Object.keys(value).filter((key) => key.isWellFormed()));
  // fromEntries defines properties instead of assigning them: a key `__proto__` stays a key.
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.isWellFormed() ? key : names.take(key.toWellFormed()),
      wellFormed(member),
    ]),
  );
}

/**
 * Names of one object. The numbers of a name only increase, so that thousands of equal names cost no more than
 * different ones.
 */
class FreeNames {
  readonly #taken: Set<string>;
  readonly #next = new Map<string, number>();

  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  take(wanted: string): string {
    let name = wanted;
    let next = this.#next.get(wanted) ?? 2;
    for (; this.#taken.has(name); next += 1) name = `${wanted}${REPLACEMENT}${next}`;
    this.#next.set(wanted, next);
    this.#taken.add(name);
    return name;
  }
}

/** Adds the paths of integers beyond 64 bits, such as `properties.order.id` and `properties.ids[0]`. */
export function addLongIntegers(value: unknown, path: string, paths: LongIntegerPaths): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      if (paths.isFull) return;
      if (Array.isArray(value)) addLongIntegers(member, `${path}[${key}]`, paths);
      else
        addLongIntegers(member, path + (PLAIN_KEY.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`), paths);
    }
    return;
  }
  const digits = unmarkedNumber(value);
  if (digits !== null && isLongInteger(digits)) paths.add(path);
}

const PLAIN_KEY = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** The paths of integers that became strings; bounded. */
export class LongIntegerPaths {
  readonly #paths: string[] = [];
  #units = 0;

  get isFull(): boolean {
    return this.#paths.length >= MAX_PATHS || this.#units >= MAX_PATH_UNITS;
  }

  get list(): readonly string[] {
    return this.#paths;
  }

  add(path: string): void {
    if (this.isFull) return;
    this.#units += path.length;
    if (this.#units < MAX_PATH_UNITS) this.#paths.push(path);
  }
}
