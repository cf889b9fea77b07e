import { ClickHouseError as ClientError } from '@clickhouse/client';
import { codeOf, WeirError } from '@weir/base';
import { type ClickHouseErrorCode, classify } from './error-codes.js';

/** The facts of a failure. */
export interface ClickHouseErrorInit {
  /** ClickHouse's exception code; absent if ClickHouse did not answer. */
  readonly exceptionCode?: number | undefined;
  /** ClickHouse's name of the exception code. */
  readonly codeName?: string | undefined;
  /** ClickHouse's own text. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The error class of this package. Its `message` never contains SQL, data or secrets, so it may be logged and stored.
 * The engine's own text, which quotes SQL and values, is separate: {@link detail}. Only `unavailable` is retryable.
 */
export class ClickHouseError extends WeirError<ClickHouseErrorCode> {
  /** ClickHouse's exception code; undefined if ClickHouse did not answer. */
  readonly exceptionCode: number | undefined;
  /** ClickHouse's name of the exception code, such as `MEMORY_LIMIT_EXCEEDED`. */
  readonly codeName: string | undefined;
  // Private, so that no error serializer prints it.
  readonly #detail: string | undefined;

  constructor(code: ClickHouseErrorCode, message: string, init: ClickHouseErrorInit = {}) {
    super(code, message, { retryable: code === 'unavailable', cause: init.cause });
    this.exceptionCode = init.exceptionCode;
    this.codeName = init.codeName;
    this.#detail = init.detail;
  }

  /**
   * ClickHouse's own text. It may quote SQL, values and paths: show it only to the author of the statement, never log
   * it.
   */
  get detail(): string | undefined {
    return this.#detail;
  }
}

/** Parses ClickHouse's own text, `Code: N. DB::Exception: … (NAME)`; undefined if the text has another form. */
export function errorFromExceptionText(text: string): ClickHouseError | undefined {
  const code = /^\s*Code:\s*(\d+)\./.exec(text)?.[1];
  if (code === undefined) return undefined;
  const name = /\(([A-Z][A-Z0-9_]{2,})\)(?: \(version [^)]*\))?\s*$/.exec(text)?.[1];
  return refusal(Number(code), name, text.replace(/^\s*Code:\s*\d+\.\s*(?:DB::Exception:\s*)?/, '').trim());
}

/** Converts an error of `@clickhouse/client` or the network; a `ClickHouseError` is returned unchanged. */
export function toClickHouseError(thrown: unknown): ClickHouseError {
  if (thrown instanceof ClickHouseError) return thrown;
  if (thrown instanceof ClientError) return refusal(Number(thrown.code), thrown.type, thrown.message.trim());
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const parsed = errorFromExceptionText(text);
  if (parsed !== undefined) return parsed;
  // The remaining errors do not come from ClickHouse. Their message may be a proxy's page, so only the name of a system
  // error is kept.
  const system = codeOf(thrown);
  return new ClickHouseError(
    'unavailable',
    `ClickHouse did not answer${system === undefined ? '' : ` (${system})`}`,
    {
      detail: text,
      cause: system === undefined ? undefined : thrown,
    },
  );
}

// No cause: the client's error quotes the statement, and error serializers print causes.
function refusal(code: number, codeName: string | undefined, detail: string): ClickHouseError {
  const message = `ClickHouse answered ${codeName ?? 'an exception'} (code ${code})`;
  return new ClickHouseError(classify(code), message, { exceptionCode: code, codeName, detail });
}
