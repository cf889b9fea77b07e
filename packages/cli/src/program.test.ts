import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { VERSION } from './version.js';

const CLI = fileURLToPath(new URL('../bin/weir.js', import.meta.url));

function weir(...args: string[]): string {
  return execFileSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });
}

/** Files that a command loads, according to Node's coverage report. */
function filesOf(...args: string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'weir-coverage-'));
  try {
    execFileSync(process.execPath, [CLI, ...args], { env: { ...process.env, NODE_V8_COVERAGE: directory } });
    return readdirSync(directory).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as {
        result: { url: string }[];
      };
      return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a command loads no other command, no schema library and no server', () => {
  const files = filesOf('version');
  expect(files.length).toBeLessThan(40);
  expect(files.filter((file) => /\/commands\//.test(file))).toEqual([expect.stringMatching(/version\.js$/)]);
  expect(
    files.filter((file) => /node_modules\/zod|packages\/(server|event|base\/dist\/(?!error\/))/.test(file)),
  ).toEqual([]);
});

test('--version prints the version, and a mistyped command suggests a similar one', () => {
  expect(weir('--version')).toBe(`${VERSION}\n`);
  const { stderr } = spawnSync(process.execPath, [CLI, '--server', 'http://x', 'qurey', 'send'], {
    encoding: 'utf8',
  });
  expect(stderr).toContain('Did you mean query?');
});

test('completion knows commands, settings of the server and keys', () => {
  expect(weir('complete', '--', 'sch')).toContain('schema\t');
  expect(weir('complete', '--', 'serve', '--data-d')).toContain('--data-dir\t');
  for (const command of ['consume', 'schema']) {
    expect(weir('complete', '--', 'event', command, 'weir.event.')).toContain('weir.event.identified\t');
  }
});

test('a shell can source the completion script twice', () => {
  const script = weir('completion', 'bash');
  const twice =
    'set -e; source /dev/stdin <<< "$SCRIPT"; source /dev/stdin <<< "$SCRIPT"; declare -F __weir_complete';
  const env = { ...process.env, SCRIPT: script };
  expect(execFileSync('bash', ['-c', twice], { env, encoding: 'utf8' })).toContain('__weir_complete');
});

test('npm start announces the build before the first start only', () => {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { scripts } = JSON.parse(manifest) as { scripts: { start: string } };
  const directory = mkdtempSync(join(tmpdir(), 'weir-start-'));
  try {
    // A failed build ends the script before the server would start.
    const start = () =>
      spawnSync('sh', ['-c', `npm() { return 1; }; ${scripts.start}`], { cwd: directory, encoding: 'utf8' });
    expect(start().stderr).toMatch(/^Weir is built before its first start/);
    mkdirSync(join(directory, 'packages/cli/dist'), { recursive: true });
    expect(start().stderr).toBe('');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
