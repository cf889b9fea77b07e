import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Listener,
  localPath,
  localTransport,
  NetTransport,
  type Transport,
  UnixTransport,
} from './index.js';

const transport = new UnixTransport();
let root: string;
let path: string;
const open: Listener[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'weir-transport-'));
  path = join(root, 'events', 'app', 'bus.sock');
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(open.splice(0).map((listener) => listener.close()));
  await rm(root, { recursive: true });
});

/** A listener that echoes each connection until the test ends. */
async function echo(at = path, by: Transport = transport): Promise<Listener> {
  const listener = await by.listen(at, (socket) => socket.pipe(socket));
  open.push(listener);
  return listener;
}

async function echoed(socket: Socket, text: string): Promise<string> {
  socket.end(text);
  let answer = '';
  for await (const piece of socket) answer += piece;
  return answer;
}

const failing = (code: string) => expect.objectContaining({ name: 'TransportError', code });
const modeOf = async (file: string) => (await stat(file)).mode & 0o777;

test('data arrives in both directions on several connections at once', async () => {
  await echo();
  const sockets = await Promise.all([1, 2, 3].map(() => transport.connect(path)));
  expect(await Promise.all(sockets.map((socket, i) => echoed(socket, `hello ${i}`)))).toEqual([
    'hello 0',
    'hello 1',
    'hello 2',
  ]);
});

test('the socket and every created directory are accessible to their owner only, for any umask', async () => {
  const before = process.umask(0o000);
  try {
    await echo();
  } finally {
    process.umask(before);
  }
  expect(await modeOf(path)).toBe(0o600);
  expect(await modeOf(join(root, 'events', 'app'))).toBe(0o700);
  expect(await modeOf(join(root, 'events'))).toBe(0o700);
});

test('a directory that other users can enter is refused and not changed', async () => {
  const directory = join(root, 'shared');
  await mkdir(directory);
  await chmod(directory, 0o755);
  await expect(echo(join(directory, 'bus.sock'))).rejects.toThrow(`chmod 700 ${directory}`);
  await expect(echo(join(directory, 'bus.sock'))).rejects.toEqual(failing('unsafe_directory'));
  expect(await modeOf(directory)).toBe(0o755);
  // Another user could listen there, so the client must not connect.
  await echo(join(directory, 'bus.sock'), new NetTransport());
  await expect(transport.connect(join(directory, 'bus.sock'))).rejects.toEqual(failing('unsafe_directory'));
});

test('a symbolic link or a file in place of the directory is refused', async () => {
  await mkdir(join(root, 'real'), { mode: 0o700 });
  await symlink(join(root, 'real'), join(root, 'link'));
  await writeFile(join(root, 'file'), '');
  await expect(echo(join(root, 'link', 'bus.sock'))).rejects.toEqual(failing('unsafe_directory'));
  await expect(echo(join(root, 'file', 'bus.sock'))).rejects.toEqual(failing('failed'));
});

test('a path with a live listener is refused, and the listener keeps working', async () => {
  await echo();
  await expect(echo()).rejects.toEqual(failing('in_use'));
  expect(await echoed(await transport.connect(path), 'still here')).toBe('still here');
});

test('the socket of a killed process is replaced', async () => {
  const child = fork(
    fileURLToPath(new URL('../../dist/transport/testing/listen-child.js', import.meta.url)),
    [path],
  );
  children.push(child);
  await once(child, 'message');
  expect(await echoed(await transport.connect(path), 'alive')).toBe('alive');
  await expect(echo()).rejects.toEqual(failing('in_use'));
  child.kill('SIGKILL');
  await once(child, 'exit');
  // The file exists, but no process listens.
  expect((await stat(path)).isSocket()).toBe(true);
  await expect(transport.connect(path)).rejects.toEqual(failing('not_running'));
  await echo();
  expect(await echoed(await transport.connect(path), 'anew')).toBe('anew');
  expect(await modeOf(path)).toBe(0o600);
});

test('a file that is not a socket is never removed', async () => {
  await mkdir(join(root, 'events', 'app'), { recursive: true, mode: 0o700 });
  await writeFile(path, 'precious');
  await expect(echo()).rejects.toEqual(failing('not_a_socket'));
  expect(await readFile(path, 'utf8')).toBe('precious');
});

test('closing ends the connections and frees the path; closing twice is allowed', async () => {
  const listener = await echo();
  const socket = await transport.connect(path);
  const ended = once(socket, 'close');
  socket.resume();
  await Promise.all([listener.close(), listener.close()]);
  await ended;
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(transport.connect(path)).rejects.toEqual(
    expect.objectContaining({ code: 'not_running', retryable: true }),
  );
  await echo();
});

test('a path too long for a socket is refused, not truncated', async () => {
  const long = join(root, 'x'.repeat(100), 'bus.sock');
  await expect(echo(long)).rejects.toEqual(failing('path_too_long'));
  await expect(transport.connect(long)).rejects.toEqual(failing('path_too_long'));
});

test('a long directory works through its short path', async () => {
  const directory = join(root, 'y'.repeat(120));
  const short = localPath(directory, { XDG_RUNTIME_DIR: join(root, 'run') });
  expect(short.startsWith(join(root, 'run'))).toBe(true);
  await echo(short, localTransport());
  const again = localPath(directory, { XDG_RUNTIME_DIR: join(root, 'run') });
  expect(await echoed(await localTransport().connect(again), 'short')).toBe('short');
  expect(() => localPath('events', {})).toThrow(RangeError);
});

test('an aborted connect rejects with the reason', async () => {
  const reason = new Error('no longer wanted');
  await expect(transport.connect(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await echo();
  const controller = new AbortController();
  const connecting = transport.connect(path, { signal: controller.signal });
  controller.abort(reason);
  await expect(connecting).rejects.toBe(reason);
});

test('named pipes behave the same and need no directory', async () => {
  const net = new NetTransport();
  const bare = join(root, 'pipe');
  await expect(net.connect(bare)).rejects.toEqual(failing('not_running'));
  await echo(bare, net);
  expect(await echoed(await net.connect(bare), 'piped')).toBe('piped');
  await expect(echo(bare, net)).rejects.toEqual(failing('in_use'));
});
