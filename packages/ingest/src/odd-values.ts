/**
 * JSON values that ClickHouse cannot read. One of them in a document makes all its JSON functions return nothing for the
 * whole document, and `::JSON` fail for the whole query. They are replaced before an event is stored, so that SQL, feed,
 * groups, receipts and exports agree. The values come from JSON, of {@link MAX_DEPTH} levels at most.
 */
import { isLongInteger, unmarkedNumber } from './exact-numbers.js';

/** Levels that `properties` and `extras` may have: ClickHouse reads nothing of a document with more than 1,000. */
export const MAX_DEPTH = 500;

/** What a lone surrogate becomes, as in every encoder of the WHATWG. */
const REPLACEMENT = '\ufffd';
/** An escape of a surrogate in a JSON text of a client, of a pair or alone. Valid UTF-8 holds no other form of one. */
const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;
/** The same as `JSON.stringify` writes it, which escapes lone ones only. */
const WRITTEN_SURROGATE = /\\ud[89a-f]/;

/** Paths of one event that are listed, and their UTF-16 units together: the list is part of the event's size. */
const MAX_PATHS = 100;
const MAX_PATH_UNITS = 16 * 1024;

/** Whether the text of a client may hold a lone surrogate. */
export function mayHoldSurrogates(json: string): boolean {
  // Most texts have no such escape, and looking for two characters costs a tenth of an expression.
  return json.includes('\\u') && ESCAPED_SURROGATE.test(json);
}

/** Whether a text that `JSON.stringify` wrote may hold one; a backslash before `ud800` looks the same. */
export function mayHoldLoneSurrogate(json: string): boolean {
  return WRITTEN_SURROGATE.test(json);
}

/**
 * A copy with U+FFFD for each lone surrogate, in keys too. Two members of one name cannot be read either: of names that become
 * the same, each after the first gets a further U+FFFD and a number.
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

/** Names of one object. Numbers per name go up only, so that thousands of equal names cost no more than different ones. */
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

/** Adds the paths of integers that no 64-bit integer holds, such as `properties.order.id` and `properties.ids[0]`. */
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

/** Where integers stood that became strings; bounded. */
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
