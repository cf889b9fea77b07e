/** The command against a real server. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ShopEvent, visitsBefore } from './demo/shop.js';
import { onTerminal } from './testing/on-terminal.js';
import { type Ended, eventually, ServerProcess, weir } from './testing/weir-process.js';

const OPERATOR_KEY = `weir_ops_${'a1'.repeat(32)}`;

let cwd: string;
let server: ServerProcess;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'weir-cli-'));
  await writeFile(join(cwd, '.env'), `WEIR_OPERATOR_KEY=${OPERATOR_KEY}\nWEIR_INGEST_FLUSH_INTERVAL=200ms\n`);
  server = await ServerProcess.start({ cwd });
}, 120_000);

afterAll(async () => {
  await server?.stop();
  await rm(cwd, { recursive: true, force: true });
});

/** Runs a command in the server's directory, where it finds its credentials. */
async function run(args: readonly string[], input = ''): Promise<Ended> {
  return await weir(args, { cwd }, input);
}

/** The document that a command prints under --json. */
async function json<T>(args: readonly string[], input = ''): Promise<T> {
  const { code, stdout, stderr } = await run([...args, '--json'], input);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
  return JSON.parse(stdout) as T;
}

interface Rows {
  readonly rows: unknown[][];
}

/** Rows, once the expected number of events with this name exists. */
async function stored(name: string, count: number): Promise<void> {
  const sql = 'SELECT count() FROM events WHERE event = {name:String}';
  await eventually(`${count} events ${name}`, async () => {
    const { rows } = await json<Rows>(['query', sql, '--param', `name=${name}`]);
    return rows[0]?.[0] === String(count) ? true : null;
  });
}

describe('send and query', () => {
  it('warns of input without effect: an invalid id, an input without events', async () => {
    const odd = await run(['send', 'odd-user', '--user', 'undefined', '--event-id', ' ', '--session', 's1']);
    expect(odd).toMatchObject({ code: 0, stdout: expect.stringContaining('1 accepted') });
    expect(odd.stderr.match(/^weir: --\S+ ".*" is not an id/gm)).toEqual([
      'weir: --user "undefined" is not an id',
      'weir: --event-id " " is not an id',
    ]);
    expect(await run(['send', '-'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('nothing was sent'),
    });
    const unnamed = await run(['query', 'SELECT {user:String}', '--param', 'user=u1', '--param', 'usr=u2']);
    expect(unnamed.stderr).toMatch(/no parameter "usr"\. Did you mean user\?\n$/);
  });

  it('distinguishes an empty queue from a failure', async () => {
    const none = await run(['process', 'assign', 'nothing-of-this-type', '--json']);
    expect(none.code).toBe(6);
    expect(JSON.parse(none.stderr)).toMatchObject({ error: { type: 'pending', code: 'none_waiting' } });
    const wrong = await run(['process', 'assign', 'x', '--wait', 'soon']);
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--wait soon: must be a duration'),
    });
  });

  it('shows the next step while the project is suspended', async () => {
    const { id, api_key } = await json<{ id: string; api_key: string }>(['project', 'create', 'suspended']);
    await run(['tenant', 'suspend', id, '--reason', 'unpaid since March']);
    const refused = await run(['query', 'SELECT 1', '--project', id, '--key', api_key]);
    expect(refused.stderr).toMatch(/^weir: the project is suspended: unpaid since March\. Ask the operator/);
  });

  it('sends one event from options, and reads it back unchanged', async () => {
    const args = [
      'send',
      'signup',
      '--user',
      'u1',
      '--prop',
      'plan=pro',
      '--prop',
      'n:=12345678901234567890',
    ];
    expect(await json([...args, '--event-id', 'one', '--timestamp', '1700000000000'])).toEqual({
      sent: 1,
      accepted: 1,
      duplicates: 0,
      rejected: 0,
      errors: [],
    });
    await stored('signup', 1);
    const sql = "SELECT event_id, user_id, timestamp, properties FROM events WHERE event = 'signup'";
    const { rows } = await json<Rows>(['query', '-'], sql);
    expect(rows).toEqual([
      [
        'one',
        'u1',
        expect.stringMatching(/^2023-11-14T22:13:20(\.000)?Z$/),
        '{"plan":"pro","n":12345678901234567890}',
      ],
    ]);
    const again = await json([...args, '--event-id', 'one']);
    expect(again).toMatchObject({ accepted: 0, duplicates: 1 });
  });

  it('sends NDJSON from standard input and files, and names the rejected lines', async () => {
    const lines = Array.from({ length: 2_500 }, (_, i) =>
      JSON.stringify({ event: 'bulk', timestamp: 1_700_000_000_001 + i }),
    );
    lines[7] = 'no JSON';
    lines[1_900] = JSON.stringify({ event: '', timestamp: 1_700_000_000_001 });
    await writeFile(join(cwd, 'events.ndjson'), `${lines.join('\n')}\n`);
    const refused = await run(['send', 'events.ndjson']);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toBe('sent 2500: 2498 accepted, 0 duplicates, 2 rejected\n');
    expect(refused.stderr).toContain('rejected events.ndjson:8: not JSON\n');
    expect(refused.stderr).toContain('rejected events.ndjson:1901: event required\n');
    const piped = await json<{ rejected: number; errors: unknown }>(
      ['send', '--allow-rejected'],
      '{"event":"bulk","timestamp":1700000000001}\n\n{"event":"bulk"}\n',
    );
    expect(piped).toMatchObject({ accepted: 1, errors: [{ line: 3, reason: 'timestamp required' }] });
    await stored('bulk', 2_499);
  });

  it('writes results as table, CSV and NDJSON', async () => {
    const sql = "SELECT number AS n, 'a\u001b[31mb' AS s FROM numbers(2)";
    expect((await run(['query', sql, '--format', 'table'])).stdout).toBe(
      'n  s\n─  ────────────\n0  a\\u001b[31mb\n1  a\\u001b[31mb\n',
    );
    expect((await run(['query', 'SELECT 1 AS a', '--format', 'csv'])).stdout).toBe('"a"\n1\n');
    expect((await run(['query', 'SELECT 1 AS a', '--format', 'ndjson'])).stdout).toBe('{"a":1}\n');
  });
});

it('sends the shop events, and the second time only duplicates', async () => {
  const events = 3_000;
  expect(await json(['demo', '--events', String(events)])).toMatchObject({ accepted: events, duplicates: 0 });
  expect(await json(['demo', '--events', String(events)])).toMatchObject({ accepted: 0, duplicates: events });
  await stored('page', shopOf(events).filter(({ event }) => event === 'page').length);
  const sql = `SELECT uniqExact(event_id), uniqExact(session_id), uniqExactIf(distinct_id, event = 'purchase'),
    sumIf(toInt64(100 * JSONExtractFloat(properties, 'total') + 0.5), event = 'purchase'),
    min(timestamp) >= now() - INTERVAL 31 DAY
    FROM events WHERE event_id LIKE 'demo-%'`;
  const { rows } = await json<Rows>(['query', sql]);
  const source = shopOf(events);
  const purchases = source.filter(({ event }) => event === 'purchase');
  const cents = purchases.map(({ properties }) => Math.round(100 * Number(Object(properties).total)));
  expect(rows?.[0]?.map(Number)).toEqual([
    events,
    new Set(source.map(({ session_id }) => session_id)).size,
    new Set(purchases.map(({ anonymous_id }) => anonymous_id)).size,
    cents.reduce((sum, one) => sum + one, 0),
    1,
  ]);
});

/** The first events of the shop as generated. */
function shopOf(count: number): ShopEvent[] {
  const today = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const events: ShopEvent[] = [];
  for (const event of visitsBefore(today)) {
    if (events.length === count) break;
    events.push(event);
  }
  return events;
}

describe('operating an installation', () => {
  it('disables ingest, and reports that to senders', async () => {
    expect(await json(['ingest', 'disable'])).toEqual({ disabled: true });
    expect(await json(['ingest', 'status'])).toMatchObject({ disabled: true });
    const refused = await run(['send', 'late']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('weir ingest enable') });
    expect(await json(['ingest', 'enable'])).toEqual({ disabled: false });
    expect((await run(['send', 'late'])).code).toBe(0);
  });

  it('creates and revokes projects, tokens and keys', async () => {
    const made = await json<Record<'id' | 'ingest_token' | 'api_key', string>>(['project', 'create', 'Shop']);
    const own = ['--project', made.id];
    const token = await json<{ id: string; ingest_token: string }>([
      'token',
      'create',
      ...own,
      '--name',
      'web',
    ]);
    const sent = await run(['send', 'visit', ...own, '--token', token.ingest_token]);
    expect(sent.code).toBe(0);
    const key = await json<{ id: string; api_key: string }>(['key', 'create', ...own, '--scope', 'query']);
    const query = ['query', 'SELECT 1', ...own, '--key'];
    expect((await run([...query, key.api_key])).code).toBe(0);
    // The key of the first project does not match this one and is not sent.
    expect((await run(query.slice(0, -1))).code).toBe(2);

    await json(['token', 'revoke', token.id, ...own]);
    await json(['key', 'revoke', key.id, ...own]);
    expect((await run(['send', 'visit', ...own, '--token', token.ingest_token])).code).toBe(3);
    expect((await run([...query, key.api_key])).code).toBe(3);
    const { keys } = await json<{ keys: { id: string; revoked_at: string | null }[] }>([
      'key',
      'list',
      ...own,
    ]);
    expect(keys.find(({ id }) => id === key.id)?.revoked_at).not.toBeNull();

    await run(['tenant', 'suspend', made.id, '--reason', 'unpaid', '--status', '402']);
    const tenants = await run(['tenant', 'list']);
    expect(tenants.stdout).toMatch(/^project +name +state +requests\/s +at once +reason$/m);
    expect(tenants.stdout).toMatch(new RegExp(`^${made.id} +Shop +suspended \\(402\\) .*unpaid$`, 'm'));
    await run(['tenant', 'resume', made.id]);
    expect((await run(['usage'])).stdout).toMatch(/requests +errors +denied +events +fuel/);
    await json(['project', 'delete', made.id, '--yes']);
    expect((await run(['project', 'list', '--deleted'])).stdout).toContain(made.id);
    expect((await run(['project', 'restore', made.id])).stdout).toBe(`project ${made.id} (Shop) restored\n`);
    expect(await run(['project', 'restore', made.id])).toMatchObject({ code: 1 });
    await json(['project', 'delete', made.id, '--yes']);
    const { projects } = await json<{ projects: { id: string }[] }>(['project', 'list']);
    expect(projects.map(({ id }) => id)).not.toContain(made.id);
    expect((await run([...query, made.api_key])).code).toBe(3);
  });

  it('lists dead letters, and requires a selection for changes', async () => {
    expect(await json(['dlq', 'list'])).toMatchObject({ depth: 0, quarantined: 0, letters: [] });
    expect(await json(['dlq', 'list', '--all-projects'])).toMatchObject({ letters: [] });
    expect((await run(['dlq', 'purge'])).code).toBe(2);
    expect(await json(['dlq', 'retry', '--all'])).toEqual({ retried: 0 });
    expect((await run(['dlq', 'show', 'x'])).code).toBe(1);
    expect((await run(['dlq', 'export', '--all-projects'])).code).toBe(3);
    expect(await run(['dlq', 'export'])).toMatchObject({ code: 0, stdout: '' });
  });

  it('reports a healthy installation, or its problems', async () => {
    const well = await json<{ checks: { name: string; status: string; message: string }[] }>(['doctor']);
    const port = well.checks.find(({ name }) => name === 'port');
    expect(port?.message).toContain(`the server listens on port ${new URL(server.url).port}`);
    expect(well.checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(well.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'node',
        'disk',
        'server',
        'clickhouse',
        'postgres',
        'clock',
        'ingest token',
        'API key',
      ]),
    );
    const ill = await run(['doctor', '--key', `weir_sec_${'0'.repeat(64)}`]);
    expect(ill.code).toBe(1);
    expect(ill.stdout).toMatch(/^fail {2}API key/m);
  });

  it('saves a login as a private profile, and uses it anywhere', async () => {
    const home = join(cwd, 'elsewhere');
    const env = { WEIR_HOME: home };
    expect((await weir(['login', '--profile', 'here'], { cwd, env })).code).toBe(0);
    expect((await stat(join(home, 'config.json'))).mode & 0o777).toBe(0o600);
    const away = { cwd: tmpdir(), env };
    expect((await weir(['query', 'SELECT 1'], away)).code).toBe(0);
    expect((await weir(['query', 'SELECT 1', '--profile', 'nowhere'], away)).code).toBe(2);
    // Another server gets no credential of the profile.
    const other = await weir(['query', 'SELECT 1', '--server', 'http://127.0.0.1:9'], away);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('no project named') });
  });
});

describe('failing', () => {
  it.each([
    { args: ['query', 'SELECT'], code: 1, type: 'failed' },
    { args: ['nonsense'], code: 2, type: 'usage' },
    { args: ['send', 'x', '--prop', 'y'], code: 2, type: 'usage' },
    { args: ['project', 'list', '--operator-key', 'bad'], code: 3, type: 'auth' },
    {
      args: ['query', 'SELECT 1', '--server', 'http://127.0.0.1:9', '--project', 'p', '--key', 'k'],
      code: 4,
      type: 'network',
    },
  ])('$args ends with $code', async ({ args, code, type }) => {
    const [plain, forPrograms, debug] = await Promise.all([
      run(args),
      run([...args, '--json']),
      run([...args, '--debug']),
    ]);
    expect(plain).toMatchObject({ code, stdout: '' });
    expect(plain.stderr).toMatch(/^weir: .+\. .+\n$/);
    expect(forPrograms.code).toBe(code);
    const { ok, error } = JSON.parse(forPrograms.stderr) as { ok: boolean; error: Record<string, unknown> };
    expect({ ok, type: error.type }).toEqual({ ok: false, type });
    expect(Object.keys(error)).toEqual(['type', 'code', 'message', 'hint', 'request_id']);
    expect(debug.stderr).toMatch(/^ {4}at /m);
  });

  it('refuses to serve with invalid settings, directory or port', async () => {
    const settings = await run(['serve', '--port', 'x', '--ingest-flush-interval', 'soon']);
    expect(settings.code).toBe(2);
    expect(settings.stderr).toMatch(/WEIR_PORT=x: .*\n.*WEIR_INGEST_FLUSH_INTERVAL=soon: /);
    const sinks = await run(['serve', '--port', '0', '--usage-sinks', 'log,rolup,http']);
    expect(sinks.code).toBe(2);
    expect(sinks.stderr).toMatch(
      /WEIR_USAGE_SINKS=.*"rolup"; did you mean rollup\?.*\n.*WEIR_USAGE_HTTP_URL/,
    );
    const locked = await run(['serve', '--port', '0']);
    expect(locked).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^weir: another server uses .*--data-dir\n$/),
    });
    const open = join(cwd, 'open');
    await mkdir(open);
    await chmod(open, 0o777);
    expect(await run(['serve', '--port', '0', '--data-dir', open])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^weir: other users may write to .*chmod go-w/),
    });
    const file = join(cwd, 'a-file');
    await writeFile(file, '');
    const notThere = await run(['serve', '--port', '0', '--data-dir', join(file, 'below')]);
    expect(notThere).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^weir: cannot use the data directory/),
    });
    expect(notThere.stderr).not.toMatch(/--port|1023/);
    const isFile = await run(['serve', '--port', '0', '--data-dir', file]);
    expect(isFile).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/a-file is a file\. .*--data-dir/),
    });
    expect(JSON.parse((await run(['config', '--json'])).stdout)).toMatchObject({
      settings: expect.arrayContaining([
        expect.objectContaining({ name: 'WEIR_OPERATOR_KEY', value: '[redacted]' }),
        expect.objectContaining({ name: 'WEIR_INGEST_FLUSH_INTERVAL', value: '200' }),
      ]),
    });
  });
});

describe('on a terminal', () => {
  // Clears the screen, sets the title, a C1 sequence, a direction override, a bell.
  const EVIL = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202emoc\u200f\rx';
  const place = () => ({ cwd });
  const UNSAFE = /\p{Bidi_Control}|(?![\n\t])\p{Cc}/u;

  it('escapes untrusted text unless --raw is given', async () => {
    const id = await json<{ id: string }>([
      'process',
      'submit',
      'evil',
      '--type',
      'evil',
      '--channel',
      'chat',
    ]);
    const job = await json<{ assignment: string }>(['process', 'assign', 'evil']);
    const assignment = ['--assignment', job.assignment];
    await run(['channel', 'send', id.id, 'chat', EVIL, ...assignment]);
    await run(['channel', 'send', id.id, 'chat', '--error', EVIL, ...assignment]);
    await run(['channel', 'send', id.id, 'chat', '--end', ...assignment]);
    await run(['send', 'evil', '--prop', `text=${EVIL}`]);
    await stored('evil', 1);
    const sql = "SELECT JSONExtractString(properties, 'text') AS text FROM events WHERE event = 'evil'";
    const commands: readonly (readonly string[])[] = [
      ...['json', 'ndjson'].map((format) => ['query', sql, '--format', format]),
      ['event', 'consume', 'weir.event', '-p', 'event=evil', '--from', 'earliest', '--max-events', '1'],
      ['channel', 'pipe', id.id, 'chat'],
      ['channel', 'read', id.id, 'chat'],
    ];
    for (const command of commands) {
      // The end of input (ctrl-D) ends a pipe.
      const shown = await onTerminal(command, place(), '\u0004');
      expect({ command, shown }).toMatchObject({ shown: expect.stringMatching(/\\u001b\[2J/i) });
      expect({ command, unsafe: UNSAFE.exec(shown) }).toEqual({ command, unsafe: null });
      if (!command.includes('pipe') && !command.includes('consume')) continue;
      expect(await onTerminal([...command, '--raw'], place(), '\u0004')).toMatch(/\u202emoc/);
    }
    expect((await run(['channel', 'read', id.id, 'chat', '--raw'])).stdout).toBe(EVIL);
    await run(['event', 'stop', '--all', '--force']);
  });
});

it('exits with 0 after SIGTERM, and restarts with its data', async () => {
  expect((await run(['send', 'before-stop'])).code).toBe(0);
  expect(await server.stop('SIGTERM')).toMatchObject({ code: 0 });
  const file = join(cwd, 'events.ndjson');
  await writeFile(file, '{"event":"across","timestamp":1700000000001,"event_id":"across"}\n');
  // No server is running: the events wait for it.
  const patient = run(['send', file, '--retry-for', '60s', '--server', server.url, ...(await tokenArgs())]);
  const port = new URL(server.url).port;
  server = await ServerProcess.start({ cwd }, ['--port', port]);
  expect((await patient).code).toBe(0);
  await stored('before-stop', 1);
  await stored('across', 1);

  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const takenPort = typeof address === 'object' && address !== null ? String(address.port) : '';
  const elsewhere = { cwd: await mkdtemp(join(cwd, 'other-')) };
  const refused = await weir(['serve', '--port', takenPort, '--log-level', 'silent'], elsewhere);
  taken.close();
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('is in use') });
  expect(await readdir(elsewhere.cwd)).toEqual([]);
});

it('reports truncated rows', async () => {
  const many = await run(['query', 'SELECT number FROM numbers(20000)']);
  expect(many).toMatchObject({ code: 0, stderr: expect.stringContaining('truncated') });
  expect(JSON.parse(many.stdout)).toMatchObject({ truncated: true });
});

async function tokenArgs(): Promise<string[]> {
  const { token } = JSON.parse(await readFile(join(cwd, '.weir/credentials.json'), 'utf8')) as {
    token: string;
  };
  return ['--token', token];
}
