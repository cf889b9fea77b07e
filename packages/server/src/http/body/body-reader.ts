/**
 * Reads the body of a request, for every route. The route checks the credential first, then requests the body here. The
 * memory of the body is released after the request was handled.
 */
import type { IncomingMessage } from 'node:http';
import { parseJson, Slice } from '@weir/base';
import type { FastifyRequest } from 'fastify';
import { addressKey } from '../address.js';
import type { ConnectionLimit } from '../connection-limit.js';
import { askForBody } from '../expect-continue.js';
import type { MemoryBudget, MemoryShare } from '../memory-budget.js';
import { Problem } from '../problem.js';
import type { RemoteAddress } from '../remote-address.js';
import { BodyCollector } from './body-collector.js';
import { announcesBody } from './drop-rest.js';
import type { OpenBodies, OpenBody } from './open-bodies.js';
import { readLater } from './read-turns.js';
import { hasTinyChunks, onTinyChunks } from './tiny-chunks.js';
import { encodingOf, Unpacker } from './unpack.js';

/** Dependencies of a {@link BodyReader}. */
export interface BodyReaderParts {
  readonly memory: MemoryBudget;
  /** The budget of bodies that contain their own credential. */
  readonly memoryWithoutToken: MemoryBudget;
  readonly open: OpenBodies;
  readonly connections: ConnectionLimit;
  readonly addressOf: RemoteAddress;
}

/** Limits of one body. */
export interface BodyLimits {
  /** Bytes on the wire, and after unpacking. */
  readonly maxBytes: number;
  /** The hint for a larger body. Default: send several smaller requests. */
  readonly hint?: string;
  /** The error code for a larger body. Default `body_too_large`. */
  readonly code?: 'body_too_large' | 'message_too_large';
}

/** Limits of a JSON body. */
export interface JsonLimits extends BodyLimits {
  /** Values in the body, counting containers and members. Default 50,000. */
  readonly maxItems?: number;
}

/** Default maximum of a JSON body. */
const MAX_JSON_BYTES = 1024 * 1024;
const MAX_JSON_ITEMS = 50_000;
const MAX_JSON_DEPTH = 100;
/** `application/json`, and types with the suffix `+json` (RFC 6839). */
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/** The memory shares of requests in progress. */
const shares = new WeakMap<IncomingMessage, MemoryShare>();

/** Releases the memory of the body of a request after its handler has ended. */
export function releaseBody(request: IncomingMessage): void {
  shares.get(request)?.release();
}

/** Reads bodies. One instance for each server. */
export class BodyReader {
  readonly #parts: BodyReaderParts;
  readonly #unpacker = new Unpacker();

  constructor(parts: BodyReaderParts) {
    this.#parts = parts;
  }

  /** The address of a request as the owner of a body that contains its own credential. */
  ownerOf(request: IncomingMessage): string {
    return addressKey(this.#parts.addressOf(request));
  }

  /**
   * Memory for a body that contains its own credential. Such bodies have a separate budget, so that senders without a
   * credential cannot exhaust the budget of the others. `release` must be called.
   */
  shareWithoutToken(address: string): MemoryShare {
    return this.#parts.memoryWithoutToken.share(address);
  }

  /** A share of the memory of all bodies. `release` must be called. */
  share(owner: string): MemoryShare {
    return this.#parts.memory.share(owner);
  }

  /** As {@link share}, for a Fastify route; released when the handler ends. */
  shareOf(request: IncomingMessage, owner: string): MemoryShare {
    const share = this.share(owner);
    shares.set(request, share);
    return share;
  }

  /**
   * Reads and unpacks a body.
   * @param owner the project, or the address from {@link ownerOf}
   * @param share charged for the body
   * @throws Problem 413, 415 `unsupported_encoding`, 400 `invalid_encoding`, 408 `body_too_slow`, 429 `at_capacity`,
   * 503 `ingest_full`; `client_gone`
   */
  async bytes(
    request: IncomingMessage,
    owner: string,
    share: MemoryShare,
    limits: BodyLimits,
  ): Promise<Buffer> {
    const { maxBytes } = limits;
    const encoding = encodingOf(request.headers['content-encoding']);
    checkDeclaredLength(request, limits);
    askForBody(request);
    const bytes = wholeOf(request, share, limits) ?? (await this.#receive(request, share, limits));
    if (encoding === null) return bytes;
    if (request.socket.destroyed) throw clientGone();
    const tooLarge = (): Problem => bodyTooLarge(limits);
    const unpacked = await this.#unpacker.unpack({ bytes, encoding, owner, maxBytes, tooLarge, share });
    share.take(-bytes.length);
    if (request.socket.destroyed) throw clientGone();
    return unpacked;
  }

  /**
   * Reads the JSON body of a request into its `body`. Its memory is released when the handler of the route ends. A
   * request without a body, and every GET, keeps `undefined`.
   * @param owner the project of the request's credential
   * @throws as {@link bytes}; Problem 400 `invalid_json`; `invalid_request` for another type, too many values or levels
   */
  async receive(request: FastifyRequest, owner: string, limits: Partial<JsonLimits> = {}): Promise<void> {
    const { raw } = request;
    if (raw.method === 'GET' || raw.method === 'HEAD' || !announcesBody(raw)) return;
    checkType(raw);
    const share = this.shareOf(raw, owner);
    const bytes = await this.bytes(raw, owner, share, { maxBytes: MAX_JSON_BYTES, ...limits });
    if (bytes.length === 0) return;
    request.body = await jsonOf(bytes, owner, limits.maxItems);
  }

  #receive(request: IncomingMessage, share: MemoryShare, limits: BodyLimits): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (request.destroyed && !request.readableEnded) {
        reject(clientGone());
        return;
      }
      const { maxBytes } = limits;
      const { open, connections } = this.#parts;
      let body: OpenBody | null = null;
      const collected = new BodyCollector(share, maxBytes);
      const length = Number(request.headers['content-length'] ?? Number.NaN);
      let whole: Buffer | null = null;
      const settle = (): void => {
        if (body !== null) open.close(body);
        request.off('data', onData);
      };
      const refuse = (error: unknown): void => {
        settle();
        // Released at once, because another body may wait for this memory.
        share.release();
        reject(error);
      };
      const onData = (chunk: Buffer): void => {
        try {
          body?.progress(chunk.length);
          if (chunk.length === length && length <= maxBytes) {
            // Most bodies arrive in one read and need no copy.
            share.take(length);
            whole = chunk;
            return;
          }
          if (collected.length + chunk.length > maxBytes) throw bodyTooLarge(limits);
          collected.add(chunk);
          readLater(request);
        } catch (error) {
          refuse(error);
        }
      };
      try {
        // A body that arrived together with the head does not count as unfinished.
        if (!(request.readableLength >= length)) {
          body = open.open({
            address: this.ownerOf(request),
            isProxy: connections.isProxy(this.ownerOf(request)),
            memory: share.budget,
            owner: share.owner,
            end: refuse,
          });
        }
      } catch (error) {
        refuse(error);
        return;
      }
      onTinyChunks(request, () => refuse(tinyChunks()));
      request.on('data', onData);
      request.once('end', () => {
        settle();
        resolve(whole ?? collected.take());
      });
      // An error here always means that the client closed the connection.
      request.once('error', () => refuse(clientGone()));
      request.once('close', () => {
        if (!request.readableEnded) refuse(clientGone());
      });
    });
  }
}

const NOTHING = Buffer.alloc(0);

/** The body if it arrived completely with its head, as nearly all do; otherwise null. */
function wholeOf(request: IncomingMessage, share: MemoryShare, limits: BodyLimits): Buffer | null {
  const { readableLength } = request;
  // The parser reports the end of a body shortly after its last bytes.
  const isWhole = request.complete || readableLength === Number(request.headers['content-length']);
  if (!isWhole || request.destroyed || hasTinyChunks(request)) return null;
  if (readableLength > limits.maxBytes) throw bodyTooLarge(limits);
  share.take(readableLength);
  // The cast holds: a request without an encoding yields Buffers.
  const body = request.read() as Buffer | null;
  if (!request.complete) request.resume();
  return body ?? NOTHING;
}

/**
 * Rejects a body whose announced length is too large, before reading any of it.
 * @throws Problem 413
 */
export function checkDeclaredLength(request: IncomingMessage, limits: BodyLimits): void {
  if (Number(request.headers['content-length'] ?? 0) > limits.maxBytes) throw bodyTooLarge(limits);
}

function bodyTooLarge({ maxBytes, hint, code }: BodyLimits): Problem {
  return new Problem(code ?? 'body_too_large', `a body holds at most ${maxBytes} bytes, compressed or not`, {
    limit: maxBytes,
    hint: hint ?? 'send several smaller requests',
  });
}

function clientGone(): Problem {
  return new Problem('client_gone', 'the connection closed before the request was complete');
}

function tinyChunks(): Problem {
  return new Problem('invalid_request', 'the body comes in too many chunks of a few bytes', {
    hint: 'send the body in chunks of at least a kilobyte, or with a Content-Length',
    headers: { connection: 'close' },
  });
}

function checkType({ headers }: IncomingMessage): void {
  if (JSON_TYPE.test(headers['content-type'] ?? '')) return;
  throw new Problem('invalid_request', 'send application/json', {
    hint: 'set the header Content-Type: application/json',
  });
}

/**
 * Parses a JSON body.
 * @throws Problem 400 `invalid_json`, `invalid_request`
 */
export async function jsonOf(bytes: Buffer, owner: string, maxItems = MAX_JSON_ITEMS): Promise<unknown> {
  try {
    return await parseJson(bytes, { maxItems, maxDepth: MAX_JSON_DEPTH, slice: new Slice({ owner }) });
  } catch (error) {
    throw jsonProblem(error);
  }
}

function jsonProblem(error: unknown): unknown {
  if (error instanceof SyntaxError) {
    return new Problem('invalid_json', 'the body is not JSON', {
      hint: 'send one JSON value in UTF-8',
    });
  }
  return error;
}
