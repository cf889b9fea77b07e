/** `weir event consume` against a real server: what comes, where it goes, and how it ends. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Consumer } from './harness/consumer.js';
import { killBuses, processorSeconds, WeirProcess, waitUntil } from './index.js';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/weir.js', import.meta.url));

let weir: WeirProcess;
const consumers: Consumer[] = [];

beforeAll(async () => {
  weir = await new WeirProcess({ WEIR_INGEST_FLUSH_INTERVAL: '200ms' }).start();
});
afterEach(() => {
  for (const consumer of consumers.splice(0)) consumer.kill();
});
afterAll(async () => {
  killBuses(weir.dataDir);
  await weir.dispose();
});

function start(args: readonly string[], environment: Record<string, string> = {}): Consumer {
  const consumer = new Consumer(weir, args, environment);
  consumers.push(consumer);
  return consumer;
}

const consume = (...args: string[]) => start(['consume', 'weir.event', ...args]);
const EXITED = /^\[event\] exited — received (\d+) event\(s\) in [\d.]+s \(reason: (\w+)\)$/;

interface Sent {
  readonly event: string;
  readonly event_id: string;
  readonly user_id?: string;
  readonly timestamp: number;
  readonly properties: { readonly n: number; readonly plan: string };
}

function events(count: number, event: string, from = 0): Sent[] {
  return Array.from({ length: count }, (_, i) => ({
    event,
    event_id: randomUUID(),
    ...(i % 3 === 0 ? {} : { user_id: `u${i % 5}` }),
    timestamp: Date.now(),
    properties: { n: from + i, plan: i % 4 === 0 ? 'pro' : 'free' },
  }));
}

async function send(list: readonly object[]): Promise<void> {
  expect((await weir.send({ events: list })).status).toBe(202);
}

/** Sends again until it is acknowledged: the server knows events by their ids. */
async function sendThroughKills(list: readonly object[]): Promise<void> {
  while ((await weir.send({ events: list }).catch(() => null))?.status !== 202) await sleep(50);
}

const idsOf = (list: readonly { readonly event_id: string }[]) => list.map(({ event_id }) => event_id);

it('five consumers with filters and jq miss nothing and repeat nothing, through kills of the server', async () => {
  const options = ['--from', 'earliest'];
  const [all, one, identified, pro, twice] = await Promise.all(
    [
      consume(...options),
      consume(...options, '-p', 'event=one'),
      start(['consume', 'weir.event.identified', ...options, '--jq', '[.event_id, .properties.n]']),
      consume(...options, '-p', 'where=properties.plan=pro,user_id!=u1'),
      consume(...options, '--jq', 'select(.properties.n % 2 == 0) | .event_id, .event'),
    ].map((consumer) => consumer.ready()),
  );
  if (!all || !one || !identified || !pro || !twice) throw new Error('a consumer is missing');
  const sent: Sent[] = [];
  let isSending = true;
  const sending = (async () => {
    for (let batch = 0; isSending; batch += 1) {
      const list = events(1 + (batch % 40), batch % 2 === 0 ? 'one' : 'two', sent.length);
      await sendThroughKills(list);
      sent.push(...list);
      await sleep(2);
    }
  })();
  for (let kill = 0; kill < 2; kill += 1) {
    const before = sent.length;
    await waitUntil('events', () => sent.length > before + 500);
    await weir.killAll();
    await weir.start();
  }
  const before = sent.length;
  await waitUntil('more events', () => sent.length > before + 300);
  isSending = false;
  await sending;
  await waitUntil('all of them', () => all.lines.length >= sent.length, 20_000).catch(() => {});
  expect(idsOf(all.documents<Sent>())).toEqual(idsOf(sent));
  const wanted = {
    one: idsOf(sent.filter(({ event }) => event === 'one')),
    identified: sent.filter(({ user_id }) => user_id !== undefined),
    pro: idsOf(sent.filter(({ properties, user_id }) => properties.plan === 'pro' && user_id !== 'u1')),
    twice: sent.filter(({ properties }) => properties.n % 2 === 0),
  };
  await waitUntil(
    'the others',
    () =>
      one.lines.length >= wanted.one.length &&
      identified.lines.length >= wanted.identified.length &&
      pro.lines.length >= wanted.pro.length &&
      twice.lines.length >= 2 * wanted.twice.length,
  );
  expect(idsOf(one.documents<Sent>())).toEqual(wanted.one);
  expect(identified.documents()).toEqual(wanted.identified.map((e) => [e.event_id, e.properties.n]));
  expect(idsOf(pro.documents<Sent>())).toEqual(wanted.pro);
  expect(twice.documents()).toEqual(wanted.twice.flatMap((e) => [e.event_id, e.event]));
  twice.signal('SIGTERM');
  const { code, stderr } = await twice.ended();
  expect(code).toBe(0);
  expect(stderr.filter((line) => line === '[event] ready event_key=weir.event')).toHaveLength(1);
  expect(EXITED.exec(stderr.at(-1) ?? '')?.slice(1)).toEqual([String(wanted.twice.length), 'signal']);
});

describe('ends', () => {
  it('after so many events, of which dropped ones are none', async () => {
    const consumer = await consume(
      '--max-events',
      '2',
      '--jq',
      'select(.event == "wanted").properties',
    ).ready();
    await send([...events(3, 'unwanted'), ...events(5, 'wanted')]);
    const { code, stdout, stderr } = await consumer.ended();
    expect(stdout).toBe('{"n":0,"plan":"pro"}\n{"n":1,"plan":"free"}\n');
    expect(stderr).toEqual([
      '[event] ready event_key=weir.event',
      expect.stringMatching(/received 2 event\(s\) in [\d.]+s \(reason: limit\)$/),
    ]);
    expect(code).toBe(0);
  });

  it('when its time is over, counted from ready', async () => {
    const { code, stderr } = await consume('--timeout', '300ms', '--from', 'latest').ended();
    expect(code).toBe(0);
    expect(stderr.at(-1)).toMatch(/received 0 event\(s\) in 0\.[3-9]s \(reason: timeout\)$/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('by %s, even in an expression without end', async (signal) => {
    const consumer = await consume('--jq', 'last(range(infinite))').ready();
    const before = processorSeconds(consumer.pid);
    await send(events(1, 'e'));
    await waitUntil('the expression to run', () => processorSeconds(consumer.pid) > before + 0.3);
    consumer.signal(signal);
    const { code, stderr } = await consumer.ended();
    expect(stderr.at(-1)).toMatch(/\(reason: signal\)$/);
    expect(code).toBe(0);
  });

  it('by a signal although its reader takes nothing', async () => {
    for (let i = 0; i < 4; i += 1) await send(events(1000, 'e'));
    const consumer = consume('--from', 'earliest');
    await waitUntil('a line', () => consumer.lines.length > 0);
    consumer.stopReading();
    let [used, unchanged] = [0, 0];
    await waitUntil('it to wait for its reader', () => {
      const before = used;
      used = processorSeconds(consumer.pid);
      unchanged = used === before ? unchanged + 1 : 0;
      return unchanged > 10;
    });
    consumer.signal('SIGTERM');
    const { code, stderr } = await consumer.ended();
    expect(code).toBe(0);
    expect(stderr.at(-1)).toMatch(/\(reason: signal\)$/);
  });

  it('with the newest event of its start, which it has by default from the oldest on', async () => {
    const sent = events(300, 'up-to-now');
    await send(sent);
    const args = ['--until', 'now', '-p', 'event=up-to-now', '--jq', '.event_id'];
    const { code, stdout, stderr } = await consume(...args).ended();
    expect(stdout.trimEnd().split('\n')).toEqual(idsOf(sent).map((id) => JSON.stringify(id)));
    expect(stderr.at(-1)).toMatch(/received 300 event\(s\) in [\d.]+s \(reason: limit\)$/);
    expect(code).toBe(0);
    const since = await consume('--until', 'now', '--from', 'latest').ended();
    expect({ code: since.code, stdout: since.stdout }).toEqual({ code: 0, stdout: '' });
  });

  it('with its standard input, unless it is bounded', async () => {
    const [free, bounded] = await Promise.all([consume().ready(), consume('--max-events', '1').ready()]);
    free.endInput();
    bounded.endInput();
    const { code, stderr } = await free.ended();
    expect(code).toBe(0);
    expect(stderr.at(-1)).toMatch(/\(reason: stdin\)$/);
    await send(events(1, 'e'));
    expect((await bounded.ended()).stderr.at(-1)).toMatch(/\(reason: limit\)$/);
  });

  it('not with a standard input that had ended at the start, as services have it, which it says', async () => {
    const closed = consume();
    closed.endInput();
    const none = new Consumer(weir, ['consume', 'weir.event'], {}, { stdin: 'ignore' });
    consumers.push(none);
    const both = [closed, none];
    await Promise.all(both.map((consumer) => consumer.ready()));
    await send(events(1, 'e'));
    await waitUntil('a line', () => both.every(({ lines }) => lines.length > 0));
    for (const consumer of both) consumer.signal('SIGTERM');
    for (const { code, stderr } of await Promise.all(both.map((consumer) => consumer.ended()))) {
      expect(code).toBe(0);
      expect(stderr.filter((line) => line.includes('WARN'))).toEqual([
        expect.stringContaining('standard input had ended at the start'),
      ]);
      expect(stderr.at(-1)).toMatch(/\(reason: signal\)$/);
    }
    const wrong = new Consumer(weir, ['consume', 'weir.event', '--max-events', 'x'], {}, { stdin: 'ignore' });
    expect(await wrong.ended()).toMatchObject({ code: 2, error: { subtype: 'usage' } });
  });

  it('when it is too slow and asked for that, though it reads nothing of why', async () => {
    const consumer = await consume('--on-slow', 'disconnect', '-p', 'event=large').ready();
    consumer.stopReading();
    const text = 'x'.repeat(20_000);
    for (let i = 0; i < 25; i += 1)
      await send(events(20, 'large').map((event) => ({ ...event, properties: { text } })));
    const isGone = async () => {
      const { stdout } = await start(['status', '--json']).ended();
      const { buses } = JSON.parse(stdout) as { buses: { consumers: object[] }[] };
      return buses.every(({ consumers: some }) => some.length === 0);
    };
    await waitUntil('the bus to end it', isGone, 30_000);
    consumer.readAgain();
    const { code, error } = await consumer.ended();
    expect({ code, error }).toMatchObject({
      code: 1,
      error: { type: 'failed', subtype: 'consumer_too_slow' },
    });
  });

  it('with an error when its output cannot be written, and leaves nothing half written', async () => {
    const [full] = [openSync('/dev/full', 'w')];
    const consumer = new Consumer(
      weir,
      ['consume', 'weir.event', '--from', 'earliest'],
      {},
      { stdout: full },
    );
    consumers.push(consumer);
    await send(events(1, 'e'));
    const { code, error, stderr } = await consumer.ended();
    closeSync(full);
    expect({ code, error }).toMatchObject({ code: 1, error: { type: 'failed', subtype: 'cannot_write' } });
    expect(stderr.at(-1)).toMatch(/\(reason: error\)$/);
    // Every file is larger than its process may write.
    const limited = ['-c', `ulimit -f 0; exec "$0" "$@"`, process.execPath, CLI];
    const args = ['event', 'consume', 'weir.event', '--from', 'earliest', '--output-dir', 'full'];
    const environment = {
      PATH: process.env.PATH,
      HOME: weir.dataDir,
      WEIR_SERVER: weir.url,
      WEIR_PROJECT: weir.project,
      WEIR_KEY: weir.key,
    };
    const told = spawnSync('bash', [...limited, ...args], {
      cwd: weir.dataDir,
      env: environment,
      encoding: 'utf8',
    });
    expect({ code: told.status, stderr: told.stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/"subtype":"cannot_write".*\n.*\(reason: error\)\n$/),
    });
    expect(readdirSync(join(weir.dataDir, 'full'))).toEqual([]);
  });

  it('quietly when nobody reads it any more', async () => {
    await send(events(500, 'e'));
    const consumer = consume('--from', 'earliest');
    await waitUntil('a line', () => consumer.lines.length > 0);
    consumer.closeOutput();
    const sending = setInterval(() => void weir.send({ events: events(1, 'e') }), 50);
    const { code, stderr, error } = await consumer.ended();
    clearInterval(sending);
    expect({ code, error }).toEqual({ code: 0, error: null });
    expect(stderr.at(-1)).toMatch(/\(reason: signal\)$/);
  });

  it('before it starts, when its key is no longer good, or of another project', async () => {
    const wrong = await start(['consume', 'weir.event'], { WEIR_KEY: `weir_sec_${'0'.repeat(64)}` }).ended();
    expect(wrong).toMatchObject({
      code: 3,
      error: { type: 'auth', subtype: 'unauthorized' },
      stderr: { length: 1 },
    });
    const other = await start(['consume', 'weir.event'], { WEIR_PROJECT: randomUUID() }).ended();
    expect(other).toMatchObject({ code: 3, error: { type: 'auth', subtype: 'wrong_project' } });
    const { body } = await weir.operator('POST', `/projects/${weir.project}/keys`, {
      name: 'k',
      scopes: ['query'],
    });
    const { api_key } = body as { api_key: string };
    const narrow = await start(['consume', 'weir.event'], { WEIR_KEY: api_key }).ended();
    expect(narrow).toMatchObject({
      code: 3,
      error: { subtype: 'insufficient_scope', hint: expect.stringContaining('--scope feed') },
    });
  });

  it('when nobody answers', async () => {
    const consumer = start(['consume', 'weir.event'], { WEIR_SERVER: 'http://127.0.0.1:1' });
    const { code, error, stderr } = await consumer.ended();
    expect({ code, type: error?.type }).toEqual({ code: 4, type: 'network' });
    expect(stderr.at(-1)).toMatch(/\(reason: upstream\)$/);
  });

  it('when somebody takes its connections and says nothing, or when it is told to before that', async () => {
    let asked = 0;
    const silent = createServer(() => {
      asked += 1;
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    try {
      const told = start(['consume', 'weir.event'], { WEIR_SERVER: url });
      await waitUntil('a request', () => asked > 0);
      told.signal('SIGINT');
      const { code, stderr } = await told.ended();
      expect({ code, lines: stderr.length }).toEqual({ code: 0, lines: 1 });
      expect(EXITED.exec(stderr[0] ?? '')?.slice(1)).toEqual(['0', 'signal']);
      const left = await start(['consume', 'weir.event', '--timeout', '1s'], { WEIR_SERVER: url }).ended();
      expect(left).toMatchObject({ code: 4, error: { type: 'network' } });
    } finally {
      silent.close();
      silent.closeAllConnections();
    }
  });

  it('with the command of its sink, which it says', async () => {
    const consumer = await consume('--exec', 'echo begun; exec sleep 60').ready();
    await send(events(1, 'e'));
    await waitUntil('the command', () => consumer.lines.length === 1);
    consumer.signal('SIGTERM');
    const { stderr } = await consumer.ended();
    expect(stderr.join('\n')).toContain('the command was ended with this consumer');
    expect(stderr.at(-1)).toMatch(/\(reason: signal\)$/);
  });

  it('when its sink is gone', async () => {
    const directory = join(weir.dataDir, 'gone');
    const consumer = await consume('--output-dir', 'gone').ready();
    rmSync(directory, { recursive: true });
    await send(events(1, 'e'));
    const { code, error, stderr } = await consumer.ended();
    expect({ code, error }).toMatchObject({
      code: 1,
      error: { subtype: 'cannot_write', param: 'output-dir' },
    });
    expect(stderr.at(-1)).toMatch(/\(reason: error\)$/);
  });
});

describe('refuses, before anything is started', () => {
  it.each<[string, string[], object]>([
    [
      'an unknown key',
      ['weir.evnt'],
      { subtype: 'unknown_key', hint: expect.stringContaining('weir.event') },
    ],
    [
      'an unknown param',
      ['weir.event', '-p', 'usr_id=1'],
      { param: 'usr_id', hint: expect.stringContaining('user_id') },
    ],
    ['a condition that is none', ['weir.event', '-p', 'where=plan'], { param: 'where' }],
    [
      'a wrong jq',
      ['weir.event', '--jq', '.a | nope'],
      { param: 'jq', message: expect.stringContaining('nope/0 is not defined') },
    ],
    ['jq that closes what it did not open', ['weir.event', '--jq', '.a) | (.b'], { param: 'jq' }],
    ['two sinks', ['weir.event', '--exec', 'cat', '--post', 'http://127.0.0.1'], { subtype: 'usage' }],
    ['a URL that is none', ['weir.event', '--post', 'file:///x'], { param: 'post' }],
    [
      'a bad number',
      ['weir.event', '--max-events', '0'],
      { message: expect.stringContaining('--max-events') },
    ],
    ['a bad duration', ['weir.event', '--timeout', 'soon'], { message: expect.stringContaining('soon') }],
    [
      'a group of what cannot be shared',
      ['nats.message', '-p', 'subject=x', '--group', 'g'],
      { param: 'group' },
    ],
    ['a group of no name', ['weir.event', '--group', 'a b'], { subtype: 'invalid_group', param: 'group' }],
    [
      'a slow member of a group, who loses nothing anyway',
      ['weir.event', '--group', 'g', '--on-slow', 'drop-oldest'],
      { param: 'on-slow' },
    ],
    [
      'an end that is none',
      ['weir.event', '--until', '1h'],
      { message: expect.stringContaining('--until 1h') },
    ],
    [
      'an end of the events of a group',
      ['weir.event', '--until', 'now', '--group', 'g'],
      { message: expect.stringContaining('--until now') },
    ],
    [
      'an end of a source that has none',
      ['webhook.request', '-p', 'path=/x', '--until', 'now'],
      { param: 'until', subtype: 'no_end' },
    ],
    [
      'a prefetch of no group',
      ['weir.event', '--prefetch', '3'],
      { hint: expect.stringContaining('--group') },
    ],
    [
      'a prefetch that is none',
      ['weir.event', '--group', 'g', '--prefetch', '0'],
      { message: expect.stringContaining('--prefetch') },
    ],
    [
      'a time for no command',
      ['weir.event', '--exec-timeout', '3s'],
      { message: expect.stringContaining('--exec') },
    ],
    [
      'a replay of what is gone',
      ['webhook.request', '-p', 'path=/x', '--on-slow', 'replay'],
      { param: 'on-slow' },
    ],
    [
      'another identity than there is',
      ['weir.event', '--as', 'nobody'],
      { message: expect.stringContaining('--as') },
    ],
    [
      'a missing file of keys',
      ['weir.event', '--keys', 'none.mjs'],
      { message: expect.stringContaining('none.mjs') },
    ],
  ])('%s', async (_what, args, expected) => {
    const { code, stdout, stderr, error } = await start(['consume', ...args]).ended();
    expect(error).toMatchObject({ type: 'usage', ...expected });
    expect({ code, stdout, lines: stderr.length }).toEqual({ code: 2, stdout: '', lines: 1 });
  });

  it('to consume as a user, whom nobody can be yet', async () => {
    const { code, error } = await consume('--as', 'user').ended();
    expect({ code, error }).toMatchObject({ code: 3, error: { type: 'auth', param: 'as' } });
  });

  it('a place to begin that the server does not know', async () => {
    const { code, error } = await consume('--from', 'somewhere').ended();
    const message = expect.stringMatching(/^--from: /);
    expect({ code, error }).toMatchObject({ code: 2, error: { type: 'usage', param: 'from', message } });
  });
});

it('a group is of those who take the same of its events', async () => {
  const pro = await start([
    'consume',
    'weir.event',
    '--group',
    'mix',
    '-p',
    'where=properties.plan=pro',
  ]).ready();
  const other = ['consume', 'weir.event', '--group', 'mix', '-p', 'where=properties.plan=free'];
  expect(await start(other).ended()).toMatchObject({
    code: 2,
    error: { subtype: 'group_exists', param: 'group', message: expect.stringContaining('plan=pro') },
  });
  const same = await start([
    'consume',
    'weir.event',
    '--group',
    'mix',
    '-p',
    'where=properties.plan=pro',
  ]).ready();
  await send(events(8, 'e'));
  await waitUntil('both of the two', () => pro.lines.length + same.lines.length === 2);
});

describe('writes', () => {
  it('what happened since a time, and nothing else where it is to be quiet', async () => {
    await send(events(3, 'before'));
    const since = new Date(Date.now() + 1).toISOString();
    await waitUntil('a later time', () => new Date().toISOString() > since);
    const [sent] = events(1, 'since');
    await send([sent ?? {}]);
    const { code, stdout, stderr } = await consume('--from', since, '--max-events', '1', '--quiet').ended();
    expect({ code, stderr }).toEqual({ code: 0, stderr: [] });
    expect(JSON.parse(stdout)).toMatchObject({ event_id: sent?.event_id });
  });

  it('numbers with every digit, with jq and without', async () => {
    const [plain, jq] = await Promise.all([
      consume('--max-events', '1').ready(),
      consume('--max-events', '1', '--jq', '.properties.n, {n: .properties.n}').ready(),
    ]);
    const event = { event: 'big', event_id: randomUUID(), timestamp: Date.now() };
    const text = JSON.stringify({ events: [event] }).replace(
      '}]',
      ',"properties":{"n":12345678901234567890}}]',
    );
    expect((await weir.send(text)).status).toBe(202);
    expect((await plain.ended()).stdout).toContain('"properties":{"n":12345678901234567890}');
    expect((await jq.ended()).stdout).toBe('12345678901234567890\n{"n":12345678901234567890}\n');
  });

  it('a private file for each event, however it is named', async () => {
    const consumer = await consume(
      '--output-dir',
      'files',
      '--max-events',
      '3',
      '--jq',
      '.event_id, 1',
    ).ready();
    const ids = ['../../evil', 'plain-id', 'x'.repeat(300)];
    await send(ids.map((event_id) => ({ event: 'e', event_id, timestamp: Date.now() })));
    expect(await consumer.ended()).toMatchObject({ code: 0, stdout: '' });
    const directory = join(weir.dataDir, 'files');
    const names = readdirSync(directory);
    expect(names).toHaveLength(3);
    expect(names.every((name) => /^[\w-]+-[\w.-]+\.json$/.test(name) && name.length < 200)).toBe(true);
    expect(names.some((name) => name.endsWith('-plain-id.json'))).toBe(true);
    const texts = names.map((name) => readFileSync(join(directory, name), 'utf8'));
    expect(texts.sort()).toEqual(ids.map((id) => `${JSON.stringify(id)}\n1\n`).sort());
    expect(names.map((name) => statSync(join(directory, name)).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
  });

  it('to a command, and tells of those that fail', async () => {
    const command = 'cat; echo "$WEIR_EVENT_TYPE"; test "$WEIR_EVENT_TYPE" != bad';
    const consumer = await consume('--exec', command, '--max-events', '3', '--jq', '.properties.n').ready();
    await send([...events(1, 'good'), ...events(1, 'bad'), ...events(1, 'good', 7)]);
    const { code, stdout, stderr, error } = await consumer.ended();
    expect(stdout).toBe('0\ngood\n0\nbad\n7\ngood\n');
    expect(stderr.filter((line) => line.includes('WARN'))).toEqual([expect.stringContaining('code 1')]);
    expect({ code, error }).toMatchObject({ code: 1, error: { subtype: 'events_failed' } });
    expect(stderr.at(-1)).toMatch(/received 3 event.*reason: limit/);
  });

  it('to a command that may take so long, with all that it has started', async () => {
    const args = ['--group', 'slow', '--exec-timeout', '300ms', '--max-events', '2'];
    const command = 'echo begun; if test "$WEIR_EVENT_TYPE" = slow; then sleep 47 & wait; fi';
    const consumer = await consume(...args, '--exec', command).ready();
    await send([...events(1, 'slow'), ...events(1, 'quick')]);
    const { code, stdout, stderr } = await consumer.ended();
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'begun\nbegun\n' });
    expect(stderr.join('\n')).toContain('the command had not ended after 0.3 s');
    const running = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(running.split('\n').filter((line) => line === 'sleep 47')).toEqual([]);
  });

  it('to a URL, again until it is taken', async () => {
    const posted: string[] = [];
    let refusals = 2;
    const receiver = createServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      const isRefused = refusals-- > 0;
      if (!isRefused) posted.push(body);
      response.writeHead(isRefused ? 503 : body.includes('bad') ? 422 : 204).end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const address = receiver.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hook`;
    try {
      const consumer = await consume(
        '--post',
        url,
        '--max-events',
        '2',
        '--jq',
        '[.event, .properties.n]',
      ).ready();
      await send([...events(1, 'good'), ...events(1, 'bad')]);
      const { code, stderr } = await consumer.ended();
      expect(posted).toEqual(['["good",0]\n', '["bad",0]\n']);
      expect(stderr.join('\n')).toMatch(/WARN: event "[^"]+" at \S+: 127\.0\.0\.1:\d+ answered 422/);
      expect(code).toBe(1);
    } finally {
      receiver.close();
    }
  });
});

describe('keys of the user', () => {
  it('are taken from weir.keys.mjs, with hooks that call the server as the user', async () => {
    // Where consumers run; nothing that it imports is installed there.
    const file = join(weir.dataDir, 'weir.keys.mjs');
    writeFileSync(
      file,
      `import { defineKey } from '@weir/event';
       import { z } from 'zod';
       export default [
         defineKey({
           key: 'shop.order', eventType: 'order', workers: 4,
           params: [{ name: 'min', type: 'int', description: 'Smallest n', default: '0' }],
           schema: { custom: { type: z.object({ n: z.number(), tables: z.number() }) } },
           async normalizeParams(api, { min }) {
             await api.callApi('GET', '/api/v1/projects/${weir.project}/schema');
             return { min: Math.abs(min) };
           },
           match: ({ payload }, { min }) => payload.properties.n >= min,
           async process(api, { payload }) {
             if (payload.properties.n === 3) return null;
             if (payload.properties.n === 4) throw new Error('no fours');
             const { tables } = await api.callApi('GET', '/api/v1/projects/${weir.project}/schema');
             return { n: payload.properties.n, tables: tables.length };
           },
         }),
       ];`,
    );
    const args = ['consume', 'shop.order', '-p', 'min=-2', '--max-events', '2'];
    // Code of the working directory: not before its user says so.
    const untrusted = await start(args).ended();
    expect(untrusted).toMatchObject({
      code: 2,
      error: { subtype: 'unknown_key', hint: expect.stringMatching(/weir event trust/) },
    });
    expect((await start(['list', '--json']).ended()).stdout).not.toContain('shop.order');
    expect((await start(['trust']).ended()).code).toBe(0);
    const consumer = await start(args).ready();
    await send([...events(2, 'other', 5), ...events(6, 'order')]);
    const { code, stderr } = await consumer.ended();
    const lines = consumer.documents<{ n: number; tables: number }>();
    expect(lines.map(({ n }) => n).sort()).toHaveLength(2);
    expect(lines.every(({ n, tables }) => [2, 5].includes(n) && tables > 0)).toBe(true);
    expect(stderr.join('\n')).toContain('no fours');
    expect(code).toBe(1);
    const refused = await start(args, { WEIR_KEY: `weir_sec_${'0'.repeat(64)}` }).ended();
    expect(refused).toMatchObject({ code: 3, error: { type: 'auth' }, stderr: { length: 1 } });
    const list = await start(['list', '--json', '--keys', 'weir.keys.mjs']).ended();
    const { keys } = JSON.parse(list.stdout) as { keys: { key: string }[] };
    expect(keys.map(({ key }) => key)).toEqual([
      'file.line',
      'nats.message',
      'shop.order',
      'webhook.request',
      'weir.channel.message',
      'weir.event',
      'weir.event.identified',
      'weir.ingest.dead_letter',
      'weir.process',
      'weir.usage',
    ]);
    rmSync(file);
  });

  it('are refused with everything that is wrong with them', async () => {
    const file = join(weir.dataDir, 'wrong.mjs');
    writeFileSync(
      file,
      'export default [{ key: "a b", eventType: "" }, { key: "c", eventType: "e", schema: {} }]',
    );
    const { code, error } = await start(['consume', 'c', '--keys', file]).ended();
    expect({ code, error }).toMatchObject({ code: 2, error: { subtype: 'invalid_keys' } });
    expect(error?.problems).toHaveLength(4);
  });
});

it('says what it would do, and what a line looks like', async () => {
  const args = ['-p', 'event=a,b', '--jq', '.event', '--exec', 'cat', '--timeout', '5s', '--dry-run'];
  const [dry, schema] = await Promise.all([
    consume(...args).ended(),
    start(['schema', 'weir.event', '--json']).ended(),
  ]);
  expect(JSON.parse(dry.stdout)).toMatchObject({
    dry_run: true,
    event_key: 'weir.event',
    params: { project: weir.project, event: ['a', 'b'] },
    subscription_id: expect.stringMatching(/^weir\.event:/),
    source: { kind: 'feed', server: weir.url, project: weir.project, stream: 'events', names: ['a', 'b'] },
    on_slow: 'replay',
    sink: { kind: 'exec', to: 'cat' },
    timeout_ms: 5000,
  });
  expect({ code: dry.code, stderr: dry.stderr }).toEqual({ code: 0, stderr: [] });
  expect(JSON.parse(schema.stdout)).toMatchObject({
    key: 'weir.event',
    jq_root_path: '.',
    resolved_output_schema: { properties: { event: { type: 'string' } } },
  });
});

it('shows no password of what it would connect to', async () => {
  const servers = ['nats://me:hunter2@one.example:4222', 'nats://t0ken@two.example'];
  const args = [
    'consume',
    'nats.message',
    '-p',
    'subject=x',
    '-p',
    `servers=${servers.join(',')}`,
    '--dry-run',
  ];
  const { stdout } = await start(args).ended();
  expect(stdout).not.toMatch(/hunter2|t0ken/);
  const shown = ['nats://one.example:4222', 'nats://two.example'];
  expect(JSON.parse(stdout)).toMatchObject({ params: { servers: shown }, source: { servers: shown } });
});

it('measures lines a second, and the time from 202 to a line', async () => {
  const probe = await consume('-p', 'event=probe').ready();
  const answered = new Map<string, number>();
  for (let i = 0; i < 200; i += 1) {
    const [event] = events(1, 'probe');
    if (event === undefined) continue;
    await send([event]);
    answered.set(event.event_id, Date.now());
    await sleep(5);
  }
  await waitUntil('every probe', () => probe.lines.length >= 200);
  const waits = probe.lines
    .map(({ text, at }) => at - (answered.get((JSON.parse(text) as Sent).event_id) ?? 0))
    .sort((a, b) => a - b);
  const count = 30_000;
  for (let i = 0; i < count; i += 1000) await send(events(1000, 'many', i));
  const rates: string[] = [];
  for (const jq of [[], ['--jq', 'select(.properties.n >= 0) | {event, n: .properties.n}']]) {
    const filter = ['--from', 'earliest', '-p', 'event=many', '--max-events', String(count)];
    const consumer = consume(...filter, ...jq);
    const { code, stderr } = await consumer.ended();
    expect({ code, lines: consumer.lines.length }).toEqual({ code: 0, lines: count });
    rates.push(`${jq.length > 0 ? 'with jq' : 'plain'} ${/in ([\d.]+)s/.exec(stderr.at(-1) ?? '')?.[1]} s`);
  }
  console.log(
    `202 → line: p50 ${waits[100]} ms, p99 ${waits[198]} ms; ${count} lines from ready: ${rates.join(', ')}`,
  );
});
