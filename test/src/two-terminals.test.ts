/** The demonstration of docs/channels.md, as it is written there: a model, its caller at a shell, and a server that dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { waitUntil } from './harness/wait-until.js';
import { WeirProcess } from './harness/weir-process.js';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/weir.js', import.meta.url));
const MODEL = fileURLToPath(new URL('../../examples/fake-model/dist/main.js', import.meta.url));

const server = new WeirProcess();
const children: ChildProcess[] = [];

beforeAll(async () => {
  await server.start();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => server.dispose());

function start(script: string, ...args: string[]) {
  const env = {
    PATH: process.env.PATH,
    HOME: server.dataDir,
    WEIR_SERVER: server.url,
    WEIR_PROJECT: server.project,
    WEIR_KEY: server.key,
  };
  const child = spawn(process.execPath, [script, ...args], { env, cwd: server.dataDir, stdio: 'pipe' });
  children.push(child);
  return child;
}

async function weir(
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const child = start(CLI, ...args);
  child.stdin.end();
  const exit = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { code, out: out.trim(), err };
}

/** A pipe as at a terminal: its output, and its end. */
function pipeTo(id: string) {
  const child = start(CLI, 'channel', 'pipe', id, 'chat');
  const written = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    written.out += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    written.err += chunk;
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, written, exit };
}

it('a wait for the end of a process outlives a kill of the server', async () => {
  const { out: id } = await weir('process', 'submit', 'long', '--type', 'waits', '--channel', 'chat');
  const waiting = weir('process', 'wait', id, '--timeout', '60s', '--json');
  // The command asks for the process before it waits for its end.
  await waitUntil('the first answer', async () => {
    const { text: metrics } = await server.request('GET', '/metrics');
    return /^weir_requests_total\{[^}]*"\/api\/v1\/processes\/:id"[^}]*\} [1-9]/m.test(metrics);
  });
  await server.killAll();
  await server.start();
  // Right after its start the server may still ask clients to come back.
  await waitUntil('a cancel', async () => (await weir('process', 'cancel', id)).code === 0);
  const { code, out } = await waiting;
  expect([code, JSON.parse(out).state]).toEqual([1, 'cancelled']);
});

it('a model streams tokens to its caller, who interrupts it', async () => {
  start(MODEL);
  const { out: id } = await weir(
    'process',
    'submit',
    'answer',
    '--type',
    'fake-model',
    '--arg',
    'question=Why?',
    '--channel',
    'chat',
  );
  const { child, written, exit } = pipeTo(id);
  await waitUntil('some tokens', () => written.out.includes('nobody measures'));
  child.stdin.write('enough\n');
  expect(await exit).toBe(0);
  expect(written.out).toMatch(/^You ask: Why\?\nwater that nobody measures .*\n\(stopped: enough\)\n$/);
  const { code, out } = await weir('process', 'wait', id, '--json');
  expect([code, JSON.parse(out)]).toMatchObject([0, { state: 'success', output: { interrupted: true } }]);
  const { out: conversation } = await weir('channel', 'read', id, 'chat');
  expect(conversation).toMatch(/submitter {2}enough/);
});

it('goes on where it was when the server is killed, with no word lost and none twice', async () => {
  start(MODEL);
  const { out: id } = await weir(
    ...['process', 'submit', 'answer', '--type', 'fake-model', '--channel', 'chat'],
    ...['--arg', 'tokens:=120', '--arg', 'pause_ms:=20'],
  );
  const { written, exit } = pipeTo(id);
  await waitUntil('some tokens', () => written.out.includes('nobody measures'));
  await server.kill();
  await server.start();
  expect(await exit).toBe(0);
  const words = written.out.split('\n').slice(1).join(' ').trim().split(' ');
  const sentence = words.slice(0, 16);
  expect(new Set(sentence).size).toBeGreaterThan(8);
  expect(words).toEqual(Array.from({ length: 120 }, (_, i) => sentence[i % 16]));
  expect(JSON.parse((await weir('process', 'wait', id, '--json')).out)).toMatchObject({
    output: { tokens: 121 },
  });
});

it('lets a shell be the executor: what it pipes, and then the end of the process', async () => {
  const { out: id } = await weir('process', 'submit', 'answer', '--type', 'shell', '--channel', 'chat');
  const { assignment } = JSON.parse((await weir('process', 'assign', 'shell', '--json')).out);
  const executor = start(CLI, 'channel', 'pipe', id, 'chat', '--assignment', assignment, '--lines');
  const exit = new Promise((resolve) => executor.once('exit', resolve));
  executor.stdin.end('one\ntwo\n');
  expect(await exit).toBe(0);
  expect((await weir('process', 'close', id, '--assignment', assignment, '--output', '{"n":2}')).code).toBe(
    0,
  );
  expect((await weir('channel', 'follow', id, 'chat', '--raw')).out).toBe('onetwo');
  // Over already: what it has is shown, and that is all.
  expect(await weir('channel', 'pipe', id, 'chat')).toMatchObject({ code: 0, out: 'onetwo' });
});

it('says what is wrong, and what to do', async () => {
  const missing = await weir('channel', 'pipe', '01890000-0000-7000-8000-000000000000', 'chat');
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('Check the id')]);
  const { out: id } = await weir('process', 'submit', 'answer', '--type', 'nobody');
  const nameless = await weir('channel', 'send', id, 'chat', 'hello');
  expect([nameless.code, nameless.err]).toEqual([1, expect.stringContaining('no channel "chat"')]);
  const none = await weir('process', 'assign', 'other');
  expect([none.code, none.err]).toEqual([6, expect.stringContaining('--wait')]);
  const bare = await weir('process', 'close', id);
  expect([bare.code, bare.err]).toEqual([2, expect.stringContaining('WEIR_ASSIGNMENT')]);
  const late = await weir('process', 'wait', id, '--timeout', '50ms');
  // Another code than that of a process that has failed.
  expect([late.code, late.err]).toEqual([6, expect.stringContaining('still waiting')]);
  const cancelled = await weir('process', 'cancel', id);
  expect([cancelled.code, (await weir('process', 'wait', id)).code]).toEqual([0, 1]);
});
