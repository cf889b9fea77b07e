/** The commands of README.md and of pages, typed into a shell in their order, and what the pages say that they print. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, freePort } from '@weir/base/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../harness/wait-until.js';
import { expressionOf, isAsShown, stepsOf } from './page.js';
import { type Output, Shell } from './shell.js';

const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url));
const CLI = join(CHECKOUT, 'packages/cli/bin/weir.js');
/** The page, and whether it begins with an empty project instead of the one that README.md has used. */
const PAGES = [
  { page: 'README.md', isAlone: false },
  { page: 'docs/ingest.md', isAlone: false },
  { page: 'docs/query.md', isAlone: false },
  { page: 'docs/mcp.md', isAlone: false },
  { page: 'docs/feed.md', isAlone: false },
  { page: 'docs/streams.md', isAlone: false },
  { page: 'docs/consume.md', isAlone: false },
  { page: 'docs/processes.md', isAlone: false },
  { page: 'docs/channels.md', isAlone: false },
  { page: 'docs/usage.md', isAlone: false },
  { page: 'docs/hosting.md', isAlone: true },
  { page: 'docs/api.md', isAlone: true },
] as const;

/** An event is in ClickHouse about a second after it was accepted. */
const FLUSHED_MS = 10_000;
const OPERATOR_KEY = `weir_ops_${randomBytes(32).toString('hex')}`;

/** Makes a project. @returns the command that makes it the one of the shell */
async function newProject(url: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/admin/projects`, {
    method: 'POST',
    headers: { authorization: `Bearer ${OPERATOR_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'a page' }),
  });
  // The cast holds for what the route answers.
  const made = (await response.json()) as { id: string; ingest_token: string; api_key: string };
  return `export WEIR_SERVER=${url} WEIR_PROJECT=${made.id} WEIR_KEY=${made.api_key} WEIR_TOKEN=${made.ingest_token} WEIR_OPERATOR_KEY=${OPERATOR_KEY}`;
}

/** Types a command. A query is typed again until it finds the events that the page has just sent, as a reader would. */
async function type(shell: Shell, command: string, shown: string | null): Promise<Output> {
  const isShown = (output: string): boolean => shown !== null && isAsShown(output, shown);
  let output = await shell.run(command, isShown);
  if (shown === null || !/\bweir query\b|\/query\b/.test(command)) return output;
  await waitUntil(
    'the events of the page',
    async () => {
      if (expressionOf(shown).test(output.stdout.replaceAll(/\s+/g, ''))) return true;
      output = await shell.run(command, isShown);
      return false;
    },
    FLUSHED_MS,
  ).catch(() => {
    // The caller compares, and shows the difference.
  });
  return output;
}

describe.each(['bash', 'zsh'] as const)('in %s', (name) => {
  let home: string;
  let server: ChildProcess;
  let shell: Shell | undefined;
  let url: string;
  let env: Record<string, string | undefined>;

  beforeAll(async () => {
    await findProgram({ name, debianPackage: name });
    await findProgram({ name: 'curl', debianPackage: 'curl' });
    await findProgram({ name: 'jq', debianPackage: 'jq' });
    home = mkdtempSync(join(tmpdir(), 'weir-docs-'));
    for (const entry of ['node_modules', 'examples']) symlinkSync(join(CHECKOUT, entry), join(home, entry));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const { PATH } = process.env;
    env = { PATH, HOME: home, TERM: 'dumb' };
    server = spawn(process.execPath, [CLI, 'serve'], {
      cwd: home,
      env: { ...env, WEIR_PORT: `${port}`, WEIR_LOG_LEVEL: 'error', WEIR_OPERATOR_KEY: OPERATOR_KEY },
      stdio: 'ignore',
    });
    await waitUntil('the credentials of the first project', () =>
      existsSync(join(home, '.weir/credentials.json')),
    );
  });

  afterEach(() => shell?.end());

  afterAll(async () => {
    if (server !== undefined) {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      await ended;
    }
    rmSync(home, { recursive: true, force: true });
  });

  test.each(PAGES)('$page', async ({ page, isAlone }) => {
    shell = new Shell(name, home, env);
    if (isAlone) await shell.run(await newProject(url));
    const markdown = readFileSync(join(CHECKOUT, page), 'utf8').replaceAll('http://127.0.0.1:8080', url);
    for (const { line, commands, answer } of stepsOf(markdown)) {
      for (const command of commands) {
        const shown = command === commands.at(-1) ? answer : null;
        const { stdout, stderr, code } = await type(shell, command, shown);
        const where = `${page}:${line}: ${command}`;
        expect.soft({ where, code, stderr }).toMatchObject({
          code: 0,
          stderr: expect.not.stringMatching(/not found|no matches|parse error|syntax error|bad pattern/),
        });
        if (shown !== null) expect.soft(stdout.replaceAll(/\s+/g, ''), where).toMatch(expressionOf(shown));
      }
    }
  });
});
