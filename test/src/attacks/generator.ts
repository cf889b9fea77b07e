/**
 * Generates unforeseen requests: a route, a credential, a body, an encoding, a way of sending and a way of disconnecting,
 * each drawn from a seed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Random } from '../harness/random.js';
import type { Target } from './attacks.js';
import { head, open, statusOf, write } from './raw-client.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A request that was drawn. */
export interface Drawn {
  /** What was drawn, to be read in a log. */
  readonly name: string;
  /** Sends it. @returns the status of the answer, 0 for none */
  send(): Promise<number>;
}

/** A text of about so many bytes. */
type Shape = (bytes: number, random: Random) => string;

const repeat = (text: string, bytes: number): string =>
  text.repeat(Math.max(1, Math.floor(bytes / text.length)));
const series = (bytes: number, one: (i: number) => string): string => {
  const parts: string[] = [];
  for (let length = 0, i = 0; length < bytes; i += 1) {
    const part = one(i);
    parts.push(part);
    length += part.length + 1;
  }
  return parts.join(',');
};

/** Values of JSON, or nearly, that cost a parser more than their bytes. */
const VALUES: Readonly<Record<string, Shape>> = {
  'open brackets': (bytes) => repeat('[', bytes),
  'open objects': (bytes) => repeat('{"a":', bytes),
  'nested arrays': (bytes) => repeat('[', bytes / 2) + repeat(']', bytes / 2),
  'nested objects': (bytes) => `${repeat('{"a":', bytes / 6)}1${repeat('}', bytes / 6)}`,
  'empty objects': (bytes) => `[${repeat('{},', bytes)}1]`,
  'empty strings': (bytes) => `[${repeat('"",', bytes)}1]`,
  'long exponents': (bytes) => `[${repeat('1e400,', bytes)}1]`,
  'long integers': (bytes) => `[${repeat('12345678901234567890,', bytes)}1]`,
  'long fractions': (bytes) => `[${repeat('0.1234567890123456789,', bytes)}1]`,
  'one long number': (bytes) => repeat('9', bytes),
  'new keys': (bytes) => `{${series(bytes, (i) => `"k${i.toString(36)}":1`)}}`,
  'number keys': (bytes) => `{${series(bytes, (i) => `"${i * 16_777_216}":1`)}}`,
  'objects of new shapes': (bytes) => `[${series(bytes, (i) => `{"k${i.toString(36)}":1}`)}]`,
  'objects of number keys': (bytes) => `[${series(bytes, (i) => `{"${i * 16_777_216}":1}`)}]`,
  'equal keys': (bytes) => `{${repeat('"a":1,', bytes)}"a":2}`,
  'a long key': (bytes) => `{"${repeat('k', bytes)}":1}`,
  escapes: (bytes) => `"${repeat('\\u0041', bytes)}"`,
  'half surrogates': (bytes) => `"${repeat('\\ud800', bytes)}"`,
  backslashes: (bytes) => `"${repeat('\\\\', bytes)}"`,
  'a long string': (bytes) => `"${repeat('x', bytes)}"`,
  'white space': (bytes) => `[1${repeat(' ', bytes)}]`,
  commas: (bytes) => `[${repeat(',', bytes)}`,
  'prototype keys': (bytes) => `[${repeat('{"__proto__":{"a":1}},', bytes)}1]`,
};

/** Bodies around a value. */
const BODIES: Readonly<Record<string, (value: string) => string>> = {
  'as events': (value) => `{"events":${value}}`,
  'as properties': (value) =>
    `{"events":[{"event":"e","timestamp":1790000000000,"properties":{"x":${value}}}]}`,
  'as ids': (value) =>
    `{"events":[{"event":${value},"user_id":${value.slice(0, 100_000)},"timestamp":1790000000000}]}`,
  'beside the events': (value) => `{"x":${value},"events":[]}`,
  'as the token': (value) => `{"token":${value},"events":[{}]}`,
  'as the text of a query': (value) => `{"sql":"SELECT 1","params":${value}}`,
  'as messages': (value) => `{"messages":${value}}`,
  'as the arguments of a job': (value) =>
    `{"name":"a","executor_type":"a","args":${value},"channels":${value.slice(0, 10_000)}}`,
  'as a call': (value) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":${value}}}`,
  alone: (value) => value,
};

const LINES: Shape = (bytes, random) =>
  repeat(random.pick(['\n', '{}\n', 'x\n', '{"event":1}\n', '\r\n']), bytes);

const ENCODINGS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  identity: (body) => body,
  gzip: (body) => gzipSync(body),
  br: (body) => brotliCompressSync(body),
  deflate: (body) => deflateSync(body),
  'deflate ': (body) => deflateRawSync(body),
  'gzip ': (body) => gzipSync(body).subarray(0, -9),
};

const WAYS = [
  'whole',
  'length',
  'chunks',
  'tiny chunks',
  'slow',
  'abandoned',
  'unread',
  'half closed',
  'pipelined',
] as const;

/** Draws a request. */
export function draw(random: Random, { port, project, token, key }: Target): Drawn {
  const [path, largest] = random.pick<readonly [string, number]>([
    ['/api/v1/ingest/events', 10 * MIB],
    ['/api/v1/ingest/events', 10 * MIB],
    ['/api/v1/ingest/events', 64 * KIB],
    [`/api/v1/projects/${project}/query`, 1.5 * MIB],
    ['/mcp', 500 * KIB],
    ['/api/v1/processes', 4 * MIB],
    [`/api/v1/processes/${project}/channels/a/messages`, 13 * MIB],
    [`/api/v1/projects/${project}/feed/groups/g/pull`, MIB],
    [`/v1/stream/s${random.below(5)}`, 10 * MIB],
    ['/api/v1/admin/projects', MIB],
    ['/livez', MIB],
    ['/nowhere', MIB],
  ]);
  const credential = random.pick(['none', 'none', 'token', 'key']);
  const isLines = random.below(8) === 0;
  const valueName = random.pick(Object.keys(VALUES));
  const bodyName = random.pick(Object.keys(BODIES));
  const encoding = random.pick(Object.keys(ENCODINGS));
  const way = random.pick(WAYS);
  const bytes = Math.floor(largest * random.pick([0.01, 0.1, 0.5, 0.98, 1.2]));
  const text = isLines
    ? LINES(bytes, random)
    : (BODIES[bodyName]?.(VALUES[valueName]?.(bytes, random) ?? '') ?? '');
  const body = ENCODINGS[encoding]?.(Buffer.from(text)) ?? Buffer.alloc(0);
  const headers: Record<string, string | number> = {
    'content-type': isLines ? 'application/x-ndjson' : 'application/json',
    ...(encoding === 'identity' ? {} : { 'content-encoding': encoding.trim() }),
    ...(credential === 'none' ? {} : { authorization: `Bearer ${credential === 'token' ? token : key}` }),
  };
  const method = path.startsWith('/v1/stream') && random.below(2) === 0 ? 'PUT' : 'POST';
  return {
    name: `${method} ${path.replace(project, '…')} by ${credential}, ${isLines ? 'lines' : `${valueName} ${bodyName}`}, ${bytes} bytes, ${encoding}, ${way}`,
    send: () => sendBy(way, { port, method, path, headers, body, random }),
  };
}

interface Sending {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer;
  readonly random: Random;
}

async function sendBy(
  way: (typeof WAYS)[number],
  { port, method, path, headers, body, random }: Sending,
): Promise<number> {
  const socket = await open(port);
  const status = statusOf(socket);
  const put = (bytes: Buffer | string): Promise<void> => write(socket, bytes);
  const length = { ...headers, 'content-length': body.length };
  const chunked = { ...headers, 'transfer-encoding': 'chunked' };
  switch (way) {
    case 'whole':
      await put(Buffer.concat([Buffer.from(head(method, path, length)), body]));
      break;
    case 'length':
      await put(head(method, path, length));
      for (let at = 0; at < body.length; at += 64 * KIB) await put(body.subarray(at, at + 64 * KIB));
      break;
    case 'chunks':
    case 'tiny chunks': {
      const size = way === 'chunks' ? 1 + random.below(40_000) : 1 + random.below(4);
      await put(head(method, path, chunked));
      const some = body.subarray(0, way === 'chunks' ? body.length : 500_000);
      let text: Buffer[] = [];
      for (let at = 0; at < some.length && !socket.destroyed; at += size) {
        const part = some.subarray(at, at + size);
        text.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
        if (text.length > 3_000) {
          await put(Buffer.concat(text));
          text = [];
        }
      }
      await put(Buffer.concat([...text, Buffer.from('0\r\n\r\n')]));
      break;
    }
    case 'slow':
      await put(head(method, path, length));
      for (let at = 0; at < 20; at += 1) {
        await put(body.subarray(at * 100, at * 100 + 100));
        await sleep(50);
      }
      socket.destroy();
      break;
    case 'abandoned':
      await put(head(method, path, length));
      await put(body.subarray(0, Math.floor(body.length * 0.9)));
      await sleep(random.below(300));
      socket.destroy();
      break;
    case 'unread':
      socket.pause();
      await put(Buffer.concat([Buffer.from(head(method, path, length)), body]));
      await sleep(500);
      socket.destroy();
      break;
    case 'half closed':
      await put(head(method, path, length));
      await put(body);
      socket.end();
      break;
    case 'pipelined': {
      const one = Buffer.concat([Buffer.from(head(method, path, length)), body]);
      await put(
        Buffer.concat(Array.from({ length: Math.min(200, Math.ceil((2 * MIB) / one.length)) }, () => one)),
      );
      break;
    }
  }
  return await status;
}
