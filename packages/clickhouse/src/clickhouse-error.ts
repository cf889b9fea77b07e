import { ClickHouseError as ClientError } from '@clickhouse/client';
import { type ClickHouseErrorKind, classify } from './error-codes.js';

/** What is known about a failure. */
export interface ClickHouseErrorInit {
  /** ClickHouse's exception code; absent when no ClickHouse answered. */
  readonly code?: number | undefined;
  /** ClickHouse's name of the code. */
  readonly codeName?: string | undefined;
  /** ClickHouse's own text. */
  readonly detail?: string | undefined;
  /** Overrides what {@link classify} says of the code. */
  readonly kind?: ClickHouseErrorKind;
  readonly cause?: unknown;
}

/**
 * The one error of this package. Its `message` never holds SQL, data or secrets, so it may be logged and stored;
 * the engine's own text, which quotes both, is kept apart in {@link detail}.
 */
export class ClickHouseError extends Error {
  /** ClickHouse's exception code; undefined when no ClickHouse answered. */
  readonly code: number | undefined;
  /** ClickHouse's name of the code, such as `MEMORY_LIMIT_EXCEEDED`. */
  readonly codeName: string | undefined;
  readonly kind: ClickHouseErrorKind;
  /** The HTTP status that fits an answer caused by this failure. */
  readonly status: 400 | 503;
  /** Whether the same call may work later: true for `unavailable`. */
  readonly retryable: boolean;
  // Private, so that no error serializer prints it.
  readonly #detail: string | undefined;

  constructor(message: string, init: ClickHouseErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'ClickHouseError';
    this.code = init.code;
    this.codeName = init.codeName;
    this.kind = init.kind ?? classify(init.code);
    this.retryable = this.kind === 'unavailable';
    this.status = this.retryable ? 503 : 400;
    this.#detail = init.detail;
  }

  /** ClickHouse's own text. It may quote SQL, values and paths: for whoever wrote the statement, never for a log. */
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
  const system =
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  return new ClickHouseError(`ClickHouse did not answer${system === undefined ? '' : ` (${system})`}`, {
    detail: text,
    cause: system === undefined ? undefined : thrown,
  });
}

// No cause: the client's error quotes the statement, and error serializers print causes.
function refusal(code: number, codeName: string | undefined, detail: string): ClickHouseError {
  return new ClickHouseError(`ClickHouse answered ${codeName ?? 'an exception'} (code ${code})`, {
    code,
    codeName,
    detail,
  });
}
