/** `weir mcp` as a process: what it says when nothing can be got through, and that it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitUntil } from './harness/wait-until.js';
import { WeirProcess } from './harness/weir-process.js';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/weir.js', import.meta.url));
const weir = new WeirProcess();
const home = mkdtempSync(join(tmpdir(), 'weir-stdio-'));

beforeAll(async () => {
  await weir.start();
});

afterAll(async () => {
  await weir.dispose();
  rmSync(home, { recursive: true, force: true });
});

/** One `weir mcp`, spoken to line by line. */
class Bridge {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(environment: Record<string, string>) {
    this.#child = spawn(process.execPath, [CLI, 'mcp'], {
      cwd: home,
      env: { PATH: process.env.PATH, WEIR_HOME: home, ...environment },
      stdio: 'pipe',
    });
    this.#exit = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
  }

  send(text: string): void {
    this.#child.stdin?.write(`${text}\n`);
  }

  /** Every line of standard output, each of which has to be a message. */
  get messages(): { [key: string]: unknown }[] {
    const lines = this.stdout.split('\n').slice(0, -1);
    // The cast holds: JSON-RPC messages are objects.
    return lines.map((line) => JSON.parse(line) as { [key: string]: unknown });
  }

  async answer(id: number): Promise<{ [key: string]: unknown }> {
    return await waitUntil(`the answer to ${id}`, () => this.messages.find((message) => message.id === id));
  }

  /** Closes standard input; resolves with the exit code. */
  async end(): Promise<number | null> {
    this.#child.stdin?.end();
    return await this.#exit;
  }

  async exit(): Promise<number | null> {
    return await this.#exit;
  }
}

const list = (id: number) => JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list' });

it('answers every request while the server is down, says why once, and works once it is up', async () => {
  await weir.stop();
  const bridge = new Bridge({ WEIR_SERVER: weir.url, WEIR_KEY: weir.key });
  bridge.send(list(1));
  expect(await bridge.answer(1)).toMatchObject({
    error: { code: -32_000, message: expect.stringContaining('weir serve'), data: { code: 'unreachable' } },
  });
  bridge.send(list(2));
  expect(await bridge.answer(2)).toMatchObject({
    error: { data: { code: 'unreachable', retryable: true } },
  });
  expect(bridge.stderr.trimEnd().split('\n')).toEqual([
    `weir: no answer from ${weir.url}: nothing listens there. Start it with "weir serve", or select another with --server or WEIR_SERVER`,
  ]);
  await weir.start();
  const tools = await waitUntil('the tools', async () => {
    bridge.send(list(3));
    const message = await waitUntil('an answer', () => bridge.messages.findLast(({ id }) => id === 3));
    return 'result' in message ? message : null;
  });
  expect(tools).toMatchObject({ result: { tools: expect.any(Array) } });
  expect(await bridge.end()).toBe(0);
});

it('says that the key is refused, and does not show it', async () => {
  const key = `weir_sec_${'0'.repeat(64)}`;
  const bridge = new Bridge({ WEIR_SERVER: weir.url, WEIR_KEY: key });
  bridge.send(list(1));
  expect(await bridge.answer(1)).toMatchObject({
    error: { message: expect.stringContaining('--key'), data: { code: 'unauthorized', status: 401 } },
  });
  expect(bridge.stderr).toMatch(/^weir: no valid credential\. .*\n$/);
  expect(bridge.stdout + bridge.stderr).not.toContain(key);
  expect(await bridge.end()).toBe(0);
});

it('goes on after a line that is no message, and writes nothing but messages', async () => {
  const bridge = new Bridge({ WEIR_SERVER: weir.url, WEIR_KEY: weir.key });
  bridge.send('hello');
  bridge.send(list(1));
  expect(await bridge.answer(1)).toMatchObject({ result: { tools: expect.any(Array) } });
  expect(bridge.messages).toHaveLength(1);
  expect(await bridge.end()).toBe(0);
});

it('does not start without a key', async () => {
  const bridge = new Bridge({ WEIR_SERVER: weir.url });
  expect(await bridge.exit()).toBe(2);
  expect(bridge.stderr).toMatch(/^weir: no API key for http.*weir login/);
  expect(bridge.stdout).toBe('');
});
