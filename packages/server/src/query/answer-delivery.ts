/**
 * How an answer reaches its client. A query holds a thread of the engine until its answer has been read, so a client that
 * reads slowly must not be the reader: the server reads at the engine's speed, and what the client has not taken waits
 * on disk. A client that takes nothing at all is disconnected.
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

/** What {@link AnswerDelivery} stands on. */
export interface AnswerDeliveryParts {
  readonly spool: AnswerSpool;
  /** Longest time in which a client takes nothing of its answer, milliseconds. */
  readonly stallMs: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** An answer that is sent in pieces. */
export interface AnswerBytes {
  readonly contentType: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Bytes of the whole, if that is known. */
  readonly length?: number;
  /** What a browser calls the file, if the answer is one. */
  readonly fileName?: string;
  /** Whether the format is compressed in itself. Default false. */
  readonly isCompressed?: boolean;
}

/** Sends the answer of one request, once. */
export type SendAnswer = (answer: AnswerBytes) => FastifyReply;

/** How long the engine waits for a client, all waits together, when there is no room on disk. */
const NO_ROOM_PATIENCE_MS = 5_000;
/** Progress is what the system has taken of the server: in small pieces, a slow client shows it. */
const PIECE_BYTES = 16 * 1024;
/** Looks at a connection within the longest time without progress. */
const LOOKS = 12;

/** Delivers the answers of queries. */
export class AnswerDelivery {
  readonly #parts: AnswerDeliveryParts;

  constructor(parts: AnswerDeliveryParts) {
    this.#parts = parts;
  }

  /**
   * Counts the answer to a request until its client has it or has left. To be called before the engine is asked.
   * @throws QueryError `at_capacity` if too many answers to the project are open
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
    logger.info({ rid, reason }, 'the client takes its answer too slowly: the answer is cut off');
  }
}

function send(reply: FastifyReply, body: Readable, length: number | undefined): FastifyReply {
  if (length !== undefined) reply.header('content-length', length);
  return reply.send(body);
}

/** Cuts bytes into pieces of at most {@link PIECE_BYTES}, without copying them. */
export function* piecesOf(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
