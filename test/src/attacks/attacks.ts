/** Clients that try to stop the server for others, each as a function that ends by itself within seconds. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import WebSocket from 'ws';
import { Random } from '../harness/random.js';
import { draw } from './generator.js';
import { download, head, open, send, statusOf, tally, write } from './raw-client.js';

const MIB = 1024 * 1024;
const INGEST = '/api/v1/ingest/events';

/** The server that is attacked, and the credentials of the attacker. */
export interface Target {
  readonly port: number;
  readonly project: string;
  /** Ingest token, which any page may show. */
  readonly token: string;
  /** API key with all scopes. */
  readonly key: string;
}

/** The statuses that the attacker has seen. */
export type Outcome = Readonly<Record<string, number>>;

/** An attack. */
export type Attack = (target: Target) => Promise<Outcome>;

const auth = (credential: string) => ({ authorization: `Bearer ${credential}` });
const json = { 'content-type': 'application/json' };

/** A hostile text of about `bytes` bytes as the events of a body. */
const shapes: Readonly<Record<string, (bytes: number) => string>> = {
  deep: (bytes) => `{"events":[${'['.repeat(bytes)}`,
  closed: (bytes) => `{"events":[${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}]}`,
  empty: (bytes) => `{"events":[${'{},'.repeat(bytes / 3)}{}]}`,
  numbers: (bytes) => `{"events":[${'1e400,'.repeat(bytes / 6)}1]}`,
  members: (bytes) =>
    `{"events":[{"properties":{${Array.from({ length: bytes / 16 }, (_, i) => `"k${i.toString(36)}":{}`).join(',')}}}]}`,
  inOne: (bytes) =>
    `{"events":[{"event":"e","timestamp":1790000000000,"properties":{"x":[${'{},'.repeat(bytes / 3)}{}]}}]}`,
};

function packedBodies(bytes: number): Buffer[] {
  return Object.values(shapes).map((shape) => brotliCompressSync(shape(bytes), { params: {} }));
}

/** Every attack, by the name of its test. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  /**
   * No attack: 64 clients send batches of 100 events and four send 10 MiB at a time, as fast as they are answered; eight read
   * long answers of queries. The memory of this is the bound.
   */
  honest: async ({ port, project, token, key }) => {
    const event = {
      event: 'page_view',
      timestamp: 1_790_000_000_000,
      properties: { path: '/a', title: 'A longer title' },
    };
    const body = JSON.stringify({ events: Array.from({ length: 100 }, () => event) });
    await tally(500, 64, () => send(port, 'POST', INGEST, auth(token), body));
    const large = JSON.stringify({ events: Array.from({ length: 30_000 }, () => event) });
    const packed = gzipSync(large);
    const query = JSON.stringify({ sql: 'SELECT * FROM events', format: 'csv' });
    const [outcome] = await Promise.all([
      tally(5_500, 64, () => send(port, 'POST', INGEST, auth(token), body)),
      tally(12, 4, (i) =>
        i % 2 === 0
          ? send(port, 'POST', INGEST, auth(token), large)
          : send(port, 'POST', INGEST, { ...auth(token), 'content-encoding': 'gzip' }, packed),
      ),
      tally(32, 8, () =>
        download(port, `/api/v1/projects/${project}/query`, { ...json, ...auth(key) }, query),
      ),
    ]);
    return outcome;
  },
  'bodies that unpack to 10 MiB, without a token': async ({ port }) => {
    const body = brotliCompressSync(Buffer.alloc(10 * MIB, ' '));
    return await tally(200, 200, () => send(port, 'POST', INGEST, { 'content-encoding': 'br' }, body));
  },
  'bodies that unpack to 10 MiB, with a public token': async ({ port, token }) => {
    const bodies = [
      brotliCompressSync(Buffer.alloc(10 * MIB - 64, ' ')),
      gzipSync(Buffer.alloc(10 * MIB - 64, ' ')),
    ];
    return await tally(200, 200, (i) =>
      send(
        port,
        'POST',
        INGEST,
        { ...auth(token), 'content-encoding': i % 2 === 0 ? 'br' : 'gzip' },
        bodies[i % 2] ?? '',
      ),
    );
  },
  'nested, empty and overlong values in small packed bodies, without a token': async ({ port }) => {
    const bodies = packedBodies(10 * MIB - 4096);
    return await tally(60, 15, (i) =>
      send(port, 'POST', INGEST, { 'content-encoding': 'br' }, bodies[i % bodies.length] ?? ''),
    );
  },
  'nested, empty and overlong values in small packed bodies, with a public token': async ({
    port,
    token,
  }) => {
    const bodies = packedBodies(10 * MIB - 4096);
    return await tally(60, 15, (i) =>
      send(
        port,
        'POST',
        INGEST,
        { ...auth(token), 'content-encoding': 'br' },
        bodies[i % bodies.length] ?? '',
      ),
    );
  },
  'the same in bodies of 60 KiB, without a token': async ({ port }) => {
    const bodies = Object.values(shapes).map((shape) => shape(60 * 1024));
    return await tally(600, 60, (i) => send(port, 'POST', INGEST, {}, bodies[i % bodies.length] ?? ''));
  },
  'batches of 50,000 events, with a public token': async ({ port, token }) => {
    const events = Array.from(
      { length: 50_000 },
      (_, i) =>
        `{"event":"e","timestamp":1790000000000,"event_id":"${i}-${Math.random()}","properties":{"i":${i}}}`,
    );
    const good = gzipSync(`{"events":[${events.join(',')}]}`);
    const bad = gzipSync(`{"events":[${'{},'.repeat(49_999)}{}]}`);
    return await tally(8, 4, (i) =>
      send(port, 'POST', INGEST, { ...auth(token), 'content-encoding': 'gzip' }, i % 2 === 0 ? good : bad),
    );
  },
  'three million chunks of one byte': async ({ port, token }) => {
    const piece = Buffer.from('1\r\n \r\n'.repeat(20_000));
    return await tally(4, 4, async (i) => {
      const socket = await open(port);
      socket.write(
        head('POST', INGEST, { 'transfer-encoding': 'chunked', ...(i % 2 === 0 ? auth(token) : {}) }),
      );
      const status = statusOf(socket);
      for (let sent = 0; sent < 38 && !socket.destroyed; sent += 1) {
        await write(socket, piece);
      }
      socket.write('0\r\n\r\n');
      return await status;
    });
  },
  'chunks of one byte to routes that refuse before they read': async ({ port }) => {
    const piece = Buffer.from('1\r\n \r\n'.repeat(3_000));
    const paths = ['/api/v1/admin/projects', '/api/v1/processes/a/channels/a/messages', '/nowhere', '/livez'];
    return await tally(24, 6, async (i) => {
      const socket = await open(port);
      socket.write(head('POST', paths[i % paths.length] ?? '/', { ...json, 'transfer-encoding': 'chunked' }));
      const status = statusOf(socket);
      for (let sent = 0; sent < 60 && !socket.destroyed; sent += 1) await write(socket, piece);
      return await status;
    });
  },
  'bodies that are announced and never finished': async ({ port, token }) => {
    const sockets = await Promise.all(
      Array.from({ length: 107 }, async () => {
        const socket = await open(port);
        socket.write(head('POST', INGEST, { ...auth(token), 'content-length': 10 * MIB }));
        socket.write(Buffer.alloc(2.4 * MIB, ' '));
        return socket;
      }),
    );
    await sleep(4_000);
    for (const socket of sockets) socket.destroy();
    return {};
  },
  'bodies of 13 MiB to every route, without a key': async ({ port, project }) => {
    const body = Buffer.from(`{"sql":[${'{},'.repeat((13 * MIB) / 3)}1]}`);
    const paths = [
      `/api/v1/projects/${project}/query`,
      '/mcp',
      '/api/v1/processes',
      `/api/v1/processes/${project}/channels/a/messages`,
      `/api/v1/projects/${project}/feed/groups/g/pull`,
      '/api/v1/admin/projects',
      '/v1/stream/a',
      '/nowhere',
    ];
    return await tally(48, 16, (i) => send(port, 'POST', paths[i % paths.length] ?? '/', json, body));
  },
  'bodies of many values to every route, with a key': async ({ port, project, key }) => {
    const text = (bytes: number) => `{"sql":[${'{},'.repeat(bytes / 3)}1],"x":${'['.repeat(1000)}}`;
    const routes: readonly (readonly [string, number])[] = [
      [`/api/v1/projects/${project}/query`, 1.7 * MIB],
      ['/mcp', 0.5 * MIB],
      ['/api/v1/processes', 4 * MIB],
      [`/api/v1/processes/${project}/channels/a/messages`, 13 * MIB],
      [`/api/v1/projects/${project}/feed/groups/g/pull`, MIB],
      ['/v1/stream/attack', 10 * MIB],
    ];
    return await tally(36, 12, (i) => {
      const [path, bytes] = routes[i % routes.length] ?? ['/', 0];
      return send(port, 'POST', path, { ...json, ...auth(key) }, text(bytes - 2_048));
    });
  },
  'unfinished bodies to every route, with and without a key': async ({ port, project, key }) => {
    const paths = [
      `/api/v1/projects/${project}/query`,
      '/api/v1/processes',
      '/v1/stream/a',
      '/nowhere',
      '/mcp',
    ];
    const sockets = await Promise.all(
      Array.from({ length: 150 }, async (_, i) => {
        const socket = await open(port);
        const headers = { ...json, ...(i % 2 === 0 ? auth(key) : {}), 'content-length': MIB };
        socket.write(head(i % 3 === 0 ? 'PUT' : 'POST', paths[i % paths.length] ?? '/', headers));
        socket.write(Buffer.alloc(0.9 * MIB, ' '));
        return socket;
      }),
    );
    await sleep(3_000);
    for (const socket of sockets) socket.destroy();
    return {};
  },
  'thousands of requests that are sent without reading an answer': async ({ port }) => {
    const requests = Buffer.from(head('GET', '/livez', {}).repeat(1_000));
    return await tally(40, 2, async () => {
      const socket = await open(port);
      socket.pause();
      for (let i = 0; i < 5 && !socket.destroyed; i += 1) {
        await write(socket, requests);
      }
      await sleep(200);
      socket.destroy();
      return 0;
    });
  },
  'readers of a long history: a stream that wants nothing, and 64 subscriptions': async ({
    port,
    project,
    key,
  }) => {
    const socket = await open(port);
    socket.write(head('GET', `/api/v1/projects/${project}/feed?after=earliest&event=none`, auth(key)));
    const client = new WebSocket(`ws://127.0.0.1:${port}/api/v1/projects/${project}/feed`, {
      headers: auth(key),
    });
    await once(client, 'open');
    for (let i = 0; i < 64; i += 1) {
      client.send(
        JSON.stringify({
          op: 'subscribe',
          sub: `s${i}`,
          after: 'earliest',
          ...(i % 2 === 0 ? { event: ['none'] } : {}),
        }),
      );
    }
    await sleep(3_000);
    client.terminate();
    socket.destroy();
    await sleep(1_000);
    return {};
  },
  'answers of queries that are never read': async ({ port, project, key }) => {
    const body = JSON.stringify({ sql: 'SELECT * FROM events', format: 'csv' });
    const sockets = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = await open(port);
        socket.pause();
        const headers = { ...json, ...auth(key), 'content-length': body.length };
        socket.write(head('POST', `/api/v1/projects/${project}/query`, headers) + body);
        return socket;
      }),
    );
    await sleep(4_000);
    for (const socket of sockets) socket.destroy();
    return {};
  },
  'thousands of small frames on a WebSocket whose answers are never read': async ({ port, key }) => {
    const client = new WebSocket(`ws://127.0.0.1:${port}/api/v1/channels`, { headers: auth(key) });
    await once(client, 'open');
    client.pause();
    for (let i = 0; i < 60_000; i += 1) {
      if (i % 2 === 0) client.send('{"op":"ping"}');
      else client.ping();
      if (i % 5_000 === 0) await sleep(1);
    }
    await sleep(2_000);
    client.terminate();
    return {};
  },
  'requests drawn at random, seed 1': (target) => drawMany(1, target),
  'requests drawn at random, seed 2': (target) => drawMany(2, target),
  'requests drawn at random, seed 3': (target) => drawMany(3, target),
};

async function drawMany(seed: number, target: Target): Promise<Outcome> {
  const random = new Random(seed);
  return await tally(150, 12, () => draw(random, target).send());
}
