import { ClickHouseError as ClientError } from '@clickhouse/client';
import { codeOf, WeirError } from '@weir/base';
import { type ClickHouseErrorCode, classify } from './error-codes.js';

/** What is known about a failure. */
export interface ClickHouseErrorInit {
  /** ClickHouse's exception code; absent when no ClickHouse answered. */
  readonly exceptionCode?: number | undefined;
  /** ClickHouse's name of the exception code. */
  readonly codeName?: string | undefined;
  /** ClickHouse's own text. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The one error of this package. Its `message` never holds SQL, data or secrets, so it may be logged and stored; the engine's
 * own text, which quotes both, is kept apart in {@link detail}. Only `unavailable` is retryable.
 */
export class ClickHouseError extends WeirError<ClickHouseErrorCode> {
  /** ClickHouse's exception code; undefined when no ClickHouse answered. */
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

  /** ClickHouse's own text. It may quote SQL, values and paths: only for the author of the statement, never for a log. */
  get detail(): string | undefined {
    return this.#detail;
  }
}

/** The error for ClickHouse's own text, `Code: N. DB::Exception: … (NAME)`; undefined when it is not such a text. */
export function errorFromExceptionText(text: string): ClickHouseError | undefined {
  const code = /^\s*Code:\s*(\d+)\./.exec(text)?.[1];
  if (code === undefined) return undefined;
  const name = /\(([A-Z][A-Z0-9_]{2,})\)(?: \(version [^)]*\))?\s*$/.exec(text)?.[1];
  return refusal(Number(code), name, text.replace(/^\s*Code:\s*\d+\.\s*(?:DB::Exception:\s*)?/, '').trim());
}

/** Reads whatever `@clickhouse/client` or the network threw. An error of ours passes through. */
export function toClickHouseError(thrown: unknown): ClickHouseError {
  if (thrown instanceof ClickHouseError) return thrown;
  if (thrown instanceof ClientError) return refusal(Number(thrown.code), thrown.type, thrown.message.trim());
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const parsed = errorFromExceptionText(text);
  if (parsed !== undefined) return parsed;
  // What is left never came from ClickHouse. Its message may be a proxy's page: only a system error's name is kept.
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
