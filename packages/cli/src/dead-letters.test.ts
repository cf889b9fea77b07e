/** Dead letters from the operator's view: the store is down, and events accumulate. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ended, eventually, ServerProcess, weir } from './testing/weir-process.js';

let cwd: string;
let server: ServerProcess;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'weir-dlq-'));
  const outage = ['--clickhouse-url', 'http://127.0.0.1:9', '--ingest-retry-in-place', '100ms'];
  server = await ServerProcess.start({ cwd }, [...outage, '--ingest-flush-interval', '100ms'], 'events');
}, 120_000);

afterAll(async () => {
  await server?.stop();
  await rm(cwd, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<Ended> {
  return await weir(args, { cwd });
}

interface Listing {
  readonly depth: number;
  readonly letters: readonly { readonly id: string; readonly state: string; readonly event_count: number }[];
}

it('lists, shows, exports and purges what ClickHouse rejected', async () => {
  await run(
    'send',
    'lost',
    '--user',
    'u1',
    '--event-id',
    'x',
    '--timestamp',
    '1970-01-01T00:00:00.005Z',
    '--prop',
    'n:=12345678901234567890',
  );
  const { letters } = await eventually('a dead letter', async () => {
    const listing = JSON.parse((await run('dlq', 'list', '--state', 'active', '--json')).stdout) as Listing;
    return listing.depth === 1 ? listing : null;
  });
  expect(letters).toMatchObject([{ state: 'active', event_count: 1 }]);
  const [letter] = letters;
  const id = letter?.id ?? '';
  const line =
    '{"event":"lost","event_id":"x","user_id":"u1","timestamp":"1970-01-01T00:00:00.005Z","properties":{"n":12345678901234567890},"extras":{}}';
  expect((await run('dlq', 'show', id)).stdout).toContain(line);
  const exported = await run('dlq', 'export', '--id', id);
  expect(exported).toMatchObject({ code: 0, stdout: `${line}\n` });
  // An exported event can be sent again; here its id is a duplicate.
  expect((await weir(['send', '--json'], { cwd }, exported.stdout)).stdout).toContain('"duplicates":1');

  expect((await run('dlq', 'export', '--state', 'quarantined')).stdout).toBe('');
  expect(JSON.parse((await run('dlq', 'purge', '--id', id, '--json')).stdout)).toEqual({ purged: 1 });
  expect(JSON.parse((await run('dlq', 'list', '--json')).stdout)).toMatchObject({ depth: 0, letters: [] });

  const doctor = await run('doctor', '--json');
  expect(doctor.code).toBe(1);
  const { checks } = JSON.parse(doctor.stdout) as {
    checks: { name: string; status: string; hint: string }[];
  };
  expect(checks.filter(({ status }) => status === 'fail')).toMatchObject([
    { name: 'clickhouse', hint: expect.stringContaining('WEIR_CLICKHOUSE_URL') },
  ]);
});
