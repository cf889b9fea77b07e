/** The bus as a process: how it comes, is found, goes on, makes way and ends. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { runLeases } from './harness/lease-run.js';
import { type BusFacts, busesOf, Consumer, killBuses, WeirProcess, waitUntil } from './index.js';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/weir.js', import.meta.url));

let weir: WeirProcess;
const consumers: Consumer[] = [];

beforeAll(async () => {
  weir = await new WeirProcess().start();
});
afterEach(async () => {
  for (const consumer of consumers.splice(0)) {
    consumer.kill();
    await consumer.ended();
  }
  killBuses(weir.dataDir);
});
afterAll(async () => await weir?.dispose());

function start(args: readonly string[], environment: Record<string, string> = {}): Consumer {
  const consumer = new Consumer(weir, args, environment);
  consumers.push(consumer);
  return consumer;
}

const consume = (...args: string[]) => start(['consume', 'weir.event', '--jq', '.event', ...args]);

/** The one bus there is. */
function theBus(): BusFacts {
  const [bus, ...others] = busesOf(weir.dataDir);
  if (bus === undefined || others.length > 0) throw new Error(`${others.length + 1} buses`);
  return bus;
}

interface Shown {
  readonly state: string;
  readonly pid: number;
  readonly version: string;
  readonly sources: readonly { readonly state: string; readonly last_event_time?: string }[];
  readonly consumers: readonly { readonly event_key: string; readonly received: number }[];
}

async function status(): Promise<{ code: number | null; buses: Shown[] }> {
  const { code, stdout } = await start(['status', '--json']).ended();
  return { code, buses: (JSON.parse(stdout) as { buses: Shown[] }).buses };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const send = async (event: string) =>
  await weir.send({ events: [{ event, user_id: 'u', timestamp: Date.now() }] });

it('many that come at once start one bus, which has one connection to the server', async () => {
  const some = Array.from({ length: 6 }, () => consume());
  await Promise.all(some.map((one) => one.ready()));
  const { pid } = theBus();
  await send('hello');
  await waitUntil('their lines', () => some.every(({ lines }) => lines.length === 1));
  // As file managers do.
  writeFileSync(join(weir.dataDir, '.weir', 'events', '.DS_Store'), '');
  const { code, buses } = await status();
  expect(code).toBe(0);
  expect(buses).toMatchObject([
    { state: 'running', pid, sources: [{ state: 'connected', last_event_time: expect.any(String) }] },
  ]);
  expect(buses[0]?.consumers).toHaveLength(6);
  expect(buses[0]?.consumers.every(({ received }) => received === 1)).toBe(true);
});

it('goes when nobody needs it, and leaves nothing that would mislead', async () => {
  const one = start(['consume', 'weir.event', '--max-events', '1'], { WEIR_EVENT_BUS_IDLE: '300ms' });
  await one.ready();
  const { directory } = theBus();
  await send('bye');
  expect((await one.ended()).code).toBe(0);
  await waitUntil('the bus to go', () => busesOf(weir.dataDir).length === 0);
  const left = () => readdirSync(directory).sort().join(' ');
  await waitUntil('its files to go', () => left() === 'bus.alive.lock bus.fork.lock bus.log');
  expect(await status()).toEqual({ code: 0, buses: [] });
});

it('kill -9: consumers start another, and go on where they were', async () => {
  const [all, named] = await Promise.all([consume().ready(), consume('-p', 'event=two').ready()]);
  const first = theBus().pid;
  await send('one');
  await waitUntil('a line', () => all?.lines.length === 1);
  killBuses(weir.dataDir);
  for (const event of ['two', 'three', 'two']) await send(event);
  await waitUntil('the rest', () => all?.lines.length === 4 && named?.lines.length === 2);
  expect(all?.documents()).toEqual(['one', 'two', 'three', 'two']);
  expect(theBus().pid).not.toBe(first);
  expect(all?.stderr.filter((line) => line.includes('WARN'))).toEqual([
    expect.stringContaining('interrupted'),
    expect.stringContaining('connected again'),
  ]);
});

it('that dies while the server is away: consumers wait for both', async () => {
  const one = await consume().ready();
  await weir.killAll();
  killBuses(weir.dataDir);
  // Longer than a new bus tries a server that it has never reached.
  const gaveUp = () => one.stderr.filter((line) => line.includes('interrupted')).length > 0;
  await waitUntil('the outage to be told', gaveUp);
  await waitUntil('another bus', () => busesOf(weir.dataDir).length === 1);
  // A bus ends when it gives up, and the consumer starts the next one in the same directory.
  const { directory } = theBus();
  const log = () => readFileSync(join(directory, 'bus.log'), 'utf8');
  await waitUntil('it to give up the server', () => log().includes('source failed'));
  await weir.start();
  await send('back');
  await waitUntil('its line', () => one.lines.length === 1);
});

it('is stopped on request, with consumers only by force', async () => {
  const one = await consume().ready();
  const refused = await start(['stop']).ended();
  expect(refused.code).toBe(1);
  expect(refused.stderr.join('\n')).toMatch(/has a consumer.*--force/);
  expect((await start(['stop', '--force', '--json']).ended()).code).toBe(0);
  expect(await one.ended()).toMatchObject({ code: 1, error: { subtype: 'bus_stopped' } });
  expect(busesOf(weir.dataDir)).toEqual([]);
  expect((await start(['stop', '--all']).ended()).stdout).toBe('no bus was stopped\n');
});

it('that does not answer is found, explained, and stopped by force', async () => {
  await consume().ready();
  const { pid } = theBus();
  for (const one of consumers.splice(0)) one.kill();
  process.kill(pid, 'SIGSTOP');
  const { code, buses } = await status();
  expect({ code, buses }).toMatchObject({ code: 1, buses: [{ state: 'orphaned', pid }] });
  const told = consume();
  const doctor = await start(['doctor', '--json']).ended();
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toContain('does not answer');
  expect((await start(['stop', '--all']).ended()).code).toBe(1);
  // It waits for an answer, and ends all the same.
  told.signal('SIGTERM');
  expect((await told.ended()).code).toBe(0);
  expect((await start(['stop', '--all', '--force']).ended()).code).toBe(0);
  await waitUntil('its end', () => busesOf(weir.dataDir).length === 0);
  await consume().ready();
});

it('of an older release makes way for a newer consumer, busy or not', async () => {
  const older = join(weir.dataDir, 'older.mjs');
  const daemon = new URL('../../packages/bus/dist/daemon/index.js', import.meta.url).href;
  const client = new URL('../../packages/bus/dist/client/index.js', import.meta.url).href;
  writeFileSync(
    older,
    `import { runBus } from ${JSON.stringify(daemon)};
     import { busDirectory } from ${JSON.stringify(client)};
     const app = { server: process.env.WEIR_SERVER, project: process.env.WEIR_PROJECT };
     const directory = busDirectory(process.env.HOME + '/.weir', app, process.env);
     await runBus({ directory, app, version: '0.0.9', runCleanup: async () => {}, signal: new AbortController().signal,
       onReady: () => console.log('ready') });`,
  );
  const env = {
    PATH: process.env.PATH,
    HOME: weir.dataDir,
    WEIR_SERVER: weir.url,
    WEIR_PROJECT: weir.project,
  };
  const child = spawn(process.execPath, [older], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  const one = await consume().ready();
  expect(await exited).toEqual([0, null]);
  await send('after');
  await waitUntil('its line', () => one.lines.length === 1);
  const { buses } = await status();
  expect(buses.map(({ version }) => version)).not.toContain('0.0.9');
});

it('keeps to a directory that is its owner’s alone', async () => {
  const home = join(weir.dataDir, 'open');
  mkdirSync(join(home, 'events'), { recursive: true, mode: 0o755 });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [CLI, 'event', 'consume', 'weir.event', '--dry-run'],
    {
      env: {
        PATH: process.env.PATH,
        WEIR_HOME: home,
        WEIR_SERVER: weir.url,
        WEIR_PROJECT: weir.project,
        WEIR_KEY: weir.key,
      },
    },
  );
  const { bus } = JSON.parse(stdout) as { bus: string };
  mkdirSync(bus, { mode: 0o777 });
  const { code, error } = await start(['consume', 'weir.event'], { WEIR_HOME: home }).ended();
  expect({ code, error }).toMatchObject({
    code: 5,
    error: { subtype: 'bus_unsafe_directory', message: expect.stringContaining('chmod 700') },
  });
});

it('tells its log what happened, and has a credential in its memory alone', async () => {
  await consume().ready();
  const { directory, pid } = theBus();
  if (process.platform === 'linux') {
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(weir.key);
  }
  const log = readFileSync(join(directory, 'bus.log'), 'utf8');
  expect(log).toContain('"msg":"consumer came"');
  for (const file of readdirSync(directory).filter((name) => !/\.sock$/.test(name))) {
    expect(readFileSync(join(directory, file), 'utf8')).not.toContain(weir.key);
  }
});

it('a helper has the key of the consumer that is gone, and ends with its bus', async () => {
  const record = join(weir.dataDir, 'helpers.txt');
  const file = join(weir.dataDir, 'endless.mjs');
  writeFileSync(
    file,
    `import { appendFileSync } from 'node:fs';
     export default [{
       key: 'endless', eventType: 'weir.event', schema: { custom: { raw: {} } },
       preConsume: async () => ({}),
       cleanup: async (api) => {
         await api.callApi('GET', '/api/v1/whoami');
         appendFileSync(${JSON.stringify(record)}, process.pid + '\\n');
         await new Promise((resolve) => setTimeout(resolve, 600_000));
       },
     }];`,
  );
  const one = await start(['consume', 'endless', '--keys', file]).ready();
  one.kill();
  await waitUntil('a helper', () => existsSync(record));
  const helper = Number(readFileSync(record, 'utf8'));
  expect(isAlive(helper)).toBe(true);
  killBuses(weir.dataDir);
  await waitUntil('its end', () => !isAlive(helper));
});

it('consumers that come, go and are killed at random: each subscription is set up and taken down, once', async () => {
  const { summary, rooms } = await runLeases({ consumers: 30, busKills: 1, seed: 20_26 });
  console.log(summary);
  for (const done of Object.values(rooms)) expect(done).toMatch(/^(\+-)+$/);
}, 240_000);
