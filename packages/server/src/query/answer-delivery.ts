/**
 * Delivers answers to clients. A query occupies a thread of the engine until its answer was read. So the server reads
 * at the engine's speed and spools the unread part to disk, and a slow client does not hold the thread. A client that
 * reads nothing is disconnected.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type Logger, WeirError } from '@weir/base';
import { readAhead } from '@weir/base/node';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { acceptedEncoding, compressed, LEAST_COMPRESSED_BYTES } from '../http/content-encoding.js';
import { whenDone } from '../http/when-done.js';
import type { Metrics } from '../operations/metrics.js';
import type { AnswerSpool } from './answer-spool.js';

/** Dependencies of {@link AnswerDelivery}. */
export interface AnswerDeliveryParts {
  readonly spool: AnswerSpool;
  /** Maximum time in which a client reads nothing of its answer, milliseconds. */
  readonly stallMs: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** An answer in pieces. */
export interface AnswerBytes {
  readonly contentType: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Total bytes, if known. */
  readonly length?: number;
  /** The file name for browsers, if the answer is a file. */
  readonly fileName?: string;
  /** Whether the format itself is compressed. Default false. */
  readonly isCompressed?: boolean;
}

/** Sends the answer of one request; call once. */
export type SendAnswer = (answer: AnswerBytes) => FastifyReply;

/** Total time that the engine waits for a client when the disk has no room. */
const NO_ROOM_PATIENCE_MS = 5_000;
/** Progress is measured by the bytes that the operating system accepts: with small pieces, a slow client is noticed. */
const PIECE_BYTES = 16 * 1024;
/** Checks of a connection within the maximum time without progress. */
const LOOKS = 12;

/** Delivers the answers of queries. */
export class AnswerDelivery {
  readonly #parts: AnswerDeliveryParts;

  constructor(parts: AnswerDeliveryParts) {
    this.#parts = parts;
  }

  /**
   * Counts the answer to a request until its client has it or has disconnected. Call it before the query starts.
   * @throws QueryError `at_capacity` if too many answers of the project are open
   */
  open(projectId: string, request: FastifyRequest, reply: FastifyReply): SendAnswer {
    const { spool } = this.#parts;
    whenDone(request.raw, reply.raw, spool.open(projectId));
    this.#endIfStalled(request.raw, reply.raw, request.id);
    return ({ contentType, bytes, length, fileName, isCompressed = false }) => {
      const ahead = readAhead(bytes, {
        directory: spool.directory,
        space: spool.space(projectId),
        fullPatienceMs: NO_ROOM_PATIENCE_MS,
      });
      const body = Readable.from(this.#pieces(ahead, request.id), {
        objectMode: false,
        highWaterMark: PIECE_BYTES,
      });
      reply.type(contentType);
      if (fileName !== undefined) reply.header('content-disposition', `attachment; filename="${fileName}"`);
      const isSmall = length !== undefined && length < LEAST_COMPRESSED_BYTES;
      if (isCompressed || isSmall) return send(reply, body, length);
      const encoding = acceptedEncoding(request.headers['accept-encoding']);
      if (encoding === null) return send(reply, body, length);
      return reply.header('content-encoding', encoding).send(compressed(body, encoding));
    };
  }

  async *#pieces(ahead: AsyncIterable<Uint8Array>, rid: string): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const bytes of ahead) yield* piecesOf(bytes);
    } catch (error) {
      if (error instanceof WeirError && error.code === 'spool_full') this.#cut(rid, 'no_room');
      throw error;
    }
  }

  #endIfStalled(request: IncomingMessage, response: ServerResponse, rid: string): void {
    const { stallMs } = this.#parts;
    const { socket } = request;
    let seen = '';
    let since = performance.now();
    const timer = setInterval(() => {
      const waiting = response.writableLength;
      const place = `${socket.bytesWritten} ${waiting}`;
      if (waiting === 0 || place !== seen) {
        seen = place;
        since = performance.now();
      } else if (performance.now() - since >= stallMs) {
        this.#cut(rid, 'stalled');
        socket.destroy();
      }
    }, stallMs / LOOKS).unref();
    whenDone(request, response, () => clearInterval(timer));
  }

  #cut(rid: string, reason: 'stalled' | 'no_room'): void {
    const { metrics, logger } = this.#parts;
    metrics.answerCut(reason);
    logger.info({ rid, reason }, 'the client reads its answer too slowly: the connection was closed');
  }
}

function send(reply: FastifyReply, body: Readable, length: number | undefined): FastifyReply {
  if (length !== undefined) reply.header('content-length', length);
  return reply.send(body);
}

/** Splits bytes into pieces of at most {@link PIECE_BYTES}, without copying them. */
export function* piecesOf(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
