import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from '@nats-io/transport-node';
import { encode, MessageDecoder, PROTOCOL_VERSION } from '@weir/bus/protocol';
import { localTransport } from '@weir/bus/transport';
import { createClient } from 'redis';
import type { PublishPlan } from './publisher.js';
import type { Rate } from './rate.js';
import { Tally } from './tally.js';

/** How long what is under way may take at the end. */
const SETTLE_MS = 1_000;

/** Something that delivers events to many. */
export interface System {
  readonly name: string;
  /** Whether it is here. */
  isThere(): Promise<boolean>;
  /** Delivers events made at a rate to so many consumers. */
  run(consumers: number, rate: Rate): Promise<Tally>;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function publish(plan: PublishPlan): Promise<void> {
  const timeout = (plan.seconds + 60) * 1_000;
  await promisify(execFile)(process.execPath, [here('./publisher.js'), JSON.stringify(plan)], { timeout });
}

async function said(child: ChildProcess): Promise<unknown> {
  const [message]: unknown[] = await once(child, 'message');
  return message;
}

/** Weir's bus over a Unix socket. */
export const weirBus: System = {
  name: 'Weir, the bus alone',
  isThere: async () => true,
  run: async (consumers, rate) => {
    const host = fork(here('./bus-host.js'));
    const path = String(await said(host));
    const tally = new Tally();
    const sockets = Array.from({ length: consumers }, async (_, i) => {
      const socket = await localTransport().connect(path);
      const ready = new Promise<void>((resolve) => {
        const decoder = new MessageDecoder((message) => {
          // The cast holds: it is the payload of documentText.
          if (message.type === 'event') tally.take(message.event.payload as unknown as { at: number });
          if (message.type === 'source_status' && message.state === 'connected') resolve();
        });
        socket.on('data', (piece) => decoder.push(piece));
      });
      const hello = {
        type: 'hello',
        role: 'consumer',
        protocol: PROTOCOL_VERSION,
        version: '0.1.0',
        pid: process.pid,
        secret: 'bench',
        event_key: 'bench',
        event_type: 'bench',
        subscription_id: `bench:${i}`,
        source: { kind: 'file', path: '/made' },
        needs_lease: false,
        single_consumer: false,
        buffer_size: 1_000,
        on_slow: 'drop-oldest',
      } as const;
      socket.write(encode(hello));
      await ready;
      return socket;
    });
    const open = await Promise.all(sockets);
    host.send(rate);
    await said(host);
    await sleep(SETTLE_MS);
    for (const socket of open) socket.destroy();
    host.disconnect();
    await once(host, 'exit');
    return tally;
  },
};

const NATS = process.env.WEIR_NATS_URL ?? 'nats://127.0.0.1:4222';

/** NATS core. */
export const nats: System = {
  name: 'NATS core',
  isThere: async () => {
    const connection = await connect({ servers: NATS, timeout: 1_000, reconnect: false }).catch(() => null);
    await connection?.close();
    return connection !== null;
  },
  run: async (consumers, rate) => {
    const tally = new Tally();
    const open = Array.from({ length: consumers }, async () => {
      const connection = await connect({ servers: NATS });
      connection.subscribe('weir.bench', { callback: (_, message) => tally.take(message.json()) });
      await connection.flush();
      return connection;
    });
    const connections = await Promise.all(open);
    await publish({ to: 'nats', url: NATS, name: 'weir.bench', ...rate });
    await sleep(SETTLE_MS);
    await Promise.all(connections.map((connection) => connection.close()));
    return tally;
  },
};

const REDIS = process.env.WEIR_REDIS_URL ?? 'redis://127.0.0.1:6379';

/** Redis Streams, read as they grow. */
export const redis: System = {
  name: 'Redis Streams',
  isThere: async () => {
    const client = createClient({ url: REDIS, socket: { reconnectStrategy: false, connectTimeout: 1_000 } });
    client.on('error', () => {});
    const isThere = await client.connect().then(
      () => true,
      () => false,
    );
    if (isThere) client.destroy();
    return isThere;
  },
  run: async (consumers, rate) => {
    const name = `weir:bench:${process.pid}`;
    const tally = new Tally();
    let isOver = false;
    const readers = Array.from({ length: consumers }, async () => {
      const client = createClient({ url: REDIS });
      await client.connect();
      const read = async (): Promise<void> => {
        let id = '0';
        while (!isOver) {
          const found = await client.xRead({ key: name, id }, { COUNT: 1_000, BLOCK: 100 });
          for (const stream of found ?? []) {
            for (const message of stream.messages) {
              id = message.id;
              tally.take(JSON.parse(message.message.d ?? '{}'));
            }
          }
        }
        client.destroy();
      };
      return read;
    });
    const reading = (await Promise.all(readers)).map((read) => read());
    await publish({ to: 'redis', url: REDIS, name, ...rate });
    await sleep(SETTLE_MS);
    isOver = true;
    await Promise.all(reading);
    const client = createClient({ url: REDIS });
    await client.connect();
    await client.del(name);
    client.destroy();
    return tally;
  },
};
