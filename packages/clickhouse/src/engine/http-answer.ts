import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { exceptionTrailer } from '../exception-trailer.js';
import { NOTHING_USED, type QueryUse, SUMMARY_HEADER, usedTogether, useSummary } from '../query-use.js';
import { EngineException } from './engine-exception.js';
import type { StatementSummary } from './statements.js';

/** One answer in the form of ClickHouse's HTTP interface. */
export class HttpAnswer {
  readonly #response: ServerResponse;
  readonly #queryId: string;
  readonly #tag = randomBytes(8).toString('hex');
  readonly #startedAt = performance.now();
  #used: QueryUse | undefined;

  constructor(response: ServerResponse, queryId: string) {
    this.#response = response;
    this.#queryId = queryId;
  }

  /** The use of the query, as far as it was reported to this object. */
  get used(): QueryUse {
    return this.#used ?? NOTHING_USED;
  }

  /** Adds the use of a part of the query; it is sent at the end of the answer. */
  add(use: QueryUse): void {
    this.#used = usedTogether(this.used, use);
  }

  /** Sends a complete answer. */
  whole(bytes: Uint8Array, summary?: StatementSummary): void {
    if (this.#response.destroyed) return;
    this.#response.writeHead(200, {
      ...this.#headers(),
      'content-length': bytes.length,
      [SUMMARY_HEADER]: this.#summary(summary),
    });
    this.#response.end(bytes);
  }

  /** Sends a part of a stream; resolves when there is room for the next part, or the client has disconnected. */
  async part(bytes: Uint8Array): Promise<void> {
    const response = this.#response;
    if (response.destroyed) return;
    this.#beginStream();
    if (response.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        response.off('drain', settle);
        response.off('close', settle);
        resolve();
      };
      response.once('drain', settle);
      response.once('close', settle);
    });
  }

  /** Ends a stream successfully, also one without parts. */
  end(): void {
    if (this.#response.destroyed) return;
    this.#beginStream();
    this.#response.addTrailers({ [SUMMARY_HEADER]: this.#summary() });
    this.#response.end();
  }

  /** Sends an error: as a status if no part was sent, otherwise as the trailer that clients check. */
  fail(thrown: unknown): void {
    const exception = EngineException.from(thrown);
    const response = this.#response;
    if (response.destroyed) return;
    if (response.headersSent) {
      response.addTrailers({ [SUMMARY_HEADER]: this.#summary() });
      response.end(exceptionTrailer(this.#tag, exception.text));
      return;
    }
    const body = Buffer.from(`${exception.text}\n`);
    response.writeHead(exception.status, {
      ...this.#headers(),
      'content-length': body.length,
      'x-clickhouse-exception-code': exception.number,
    });
    response.end(body);
  }

  #beginStream(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, {
      ...this.#headers(),
      'x-clickhouse-exception-tag': this.#tag,
      // The use of the query is only known at its end.
      trailer: SUMMARY_HEADER,
    });
  }

  #headers(): Record<string, string> {
    return { 'content-type': 'application/octet-stream', 'x-clickhouse-query-id': this.#queryId };
  }

  // ClickHouse writes these numbers as strings.
  #summary(statement: StatementSummary = { writtenRows: 0, writtenBytes: 0 }): string {
    const elapsedMs = performance.now() - this.#startedAt;
    return JSON.stringify({
      ...useSummary(this.#used ?? { ...NOTHING_USED, elapsedMs }),
      written_rows: String(statement.writtenRows),
      written_bytes: String(statement.writtenBytes),
      total_rows_to_read: '0',
      result_rows: '0',
      result_bytes: '0',
    });
  }
}
