/** The position of a mistake in a text. */
export interface TextPosition {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** From 0, in UTF-16 units. */
  readonly offset: number;
}

/** Facts about a failure for programs, named as in JSON. A problem document contains all of them. */
export interface ErrorFacts {
  /** The bound that was exceeded, in the unit that the message names. */
  readonly limit?: number | undefined;
  /** The violated rule, and the part of the request that violates it. */
  readonly rule?: string | undefined;
  readonly identifier?: string | undefined;
  readonly position?: TextPosition | undefined;
  /** The oldest readable place, and the number of lost entries before it. */
  readonly oldest?: string | number | undefined;
  readonly missed?: number | undefined;
  /** Where to continue reading. */
  readonly cursor?: number | undefined;
  /** The individual mistakes, if there are several. */
  readonly errors?: readonly unknown[] | undefined;
  readonly [name: string]: unknown;
}

/** The meaning of a code, the same wherever it is thrown. */
export interface ErrorForm {
  /** HTTP status; 0 (the default) for an error that no HTTP answer shows. */
  readonly status?: number | undefined;
  /** The next step of the reader. */
  readonly hint?: string | undefined;
  /** How long to wait before the next try. */
  readonly retryAfterMs?: number | undefined;
  /** Whether a retry of the same call can succeed. Default: whether `retryAfterMs` is set. */
  readonly retryable?: boolean | undefined;
}

/** The details of an error besides its code and message. */
export interface ErrorDetails extends ErrorForm, ErrorFacts {
  readonly cause?: unknown;
  /** HTTP response headers that belong to the error, such as `allow`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The one error type of Weir (docs/decisions/0042-one-error-type.md). Each package derives its own class from a table of its
 * codes with {@link errorClass}; the server writes any of them as a problem document.
 */
export class WeirError<Code extends string = string> extends Error {
  /** Stable, for programs. */
  readonly code: Code;
  /** HTTP status; 0 for an error that no HTTP answer shows: the server answers `internal` and hides the message. */
  readonly status: number;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Whether a retry of the same call can succeed. */
  readonly retryable: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly facts: ErrorFacts;

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    const { status = 0, hint, retryAfterMs, headers = {}, cause, ...rest } = details;
    const { retryable = retryAfterMs !== undefined, ...facts } = rest;
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.status = status;
    this.hint = hint;
    this.retryAfterMs = retryAfterMs;
    this.retryable = retryable;
    this.headers = headers;
    this.facts = facts;
  }
}

/** The class that {@link errorClass} returns. */
export interface ErrorClass<Code extends string> {
  new (code: Code, message: string, details?: ErrorDetails): WeirError<Code>;
  readonly codes: Readonly<Record<Code, ErrorForm>>;
}

/**
 * Makes the error class of a package from the table of its codes. Details given to the constructor override the table.
 *
 * ```ts
 * export class ShopError extends errorClass({ sold_out: { status: 409, hint: 'choose another article' } }) {}
 * throw new ShopError('sold_out', `article ${id} is sold out`);
 * ```
 */
export function errorClass<Code extends string>(codes: Readonly<Record<Code, ErrorForm>>): ErrorClass<Code> {
  return class extends WeirError<Code> {
    static readonly codes = codes;

    constructor(code: Code, message: string, details: ErrorDetails = {}) {
      super(code, message, withDefaults(details, codes[code]));
    }
  };
}

/** An explicit `undefined` takes the default too. */
function withDefaults(details: ErrorDetails, form: ErrorForm): ErrorDetails {
  const {
    status = form.status,
    hint = form.hint,
    retryAfterMs = form.retryAfterMs,
    retryable = form.retryable,
  } = details;
  return { ...details, status, hint, retryAfterMs, retryable };
}
