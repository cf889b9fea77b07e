import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_SOCKET_PATH_BYTES, pipePath, socketPath, TransportError } from './index.js';

const runtime = { runtimeDirectory: '/run/user/1000', uid: 1000 };

test('a short directory contains its socket', () => {
  expect(socketPath('/home/me/.weir/events/app', runtime)).toBe('/home/me/.weir/events/app/bus.sock');
  const widest = `/${'d'.repeat(MAX_SOCKET_PATH_BYTES - '//bus.sock'.length)}`;
  expect(socketPath(widest, runtime)).toBe(`${widest}/bus.sock`);
  // The limit counts bytes, not characters.
  expect(socketPath(widest.replace('dd', 'é'), runtime)).toBe(`${widest.replace('dd', 'é')}/bus.sock`);
  expect(socketPath(widest.replace('d', 'é'), runtime)).toMatch(/^\/run\/user\/1000\/weir-1000\//);
});

test('a long directory has a short, stable socket path in the runtime directory', () => {
  const long = `/home/${'x'.repeat(200)}/app`;
  expect(socketPath(long, runtime)).toBe('/run/user/1000/weir-1000/ad4e597262be7b62c189096a.sock');
  expect(socketPath(`${long}/../app/`, runtime)).toBe(socketPath(long, runtime));
  expect(socketPath(`${long}2`, runtime)).not.toBe(socketPath(long, runtime));
  expect(socketPath(long, { ...runtime, uid: 7 })).toContain('/weir-7/');
});

test('every path fits the limit, and two directories never share a socket', () => {
  const directory = fc
    .array(fc.stringMatching(/^[a-zé]{1,60}$/), { minLength: 1, maxLength: 5 })
    .map((p) => `/${p.join('/')}`);
  fc.assert(
    fc.property(directory, directory, (a, b) => {
      expect(Buffer.byteLength(socketPath(a, runtime))).toBeLessThanOrEqual(MAX_SOCKET_PATH_BYTES);
      expect(socketPath(a, runtime) === socketPath(b, runtime)).toBe(a === b);
    }),
  );
});

test('a runtime directory that is too long as well is an error that names the setting', () => {
  const long = `/${'x'.repeat(200)}`;
  const error = expect.objectContaining({
    code: 'path_too_long',
    message: expect.stringContaining('XDG_RUNTIME_DIR'),
  });
  expect(() => socketPath(long, { ...runtime, runtimeDirectory: long })).toThrow(error);
  expect(new TransportError('path_too_long', 'x').retryable).toBe(false);
});

test('on Windows the named pipe ignores case and slash style of the directory', () => {
  const pipe = pipePath('C:\\Users\\Me\\.weir\\events\\app');
  expect(pipe).toBe('\\\\.\\pipe\\weir-event-0013a843b9a3804877e75c56');
  for (const same of [
    'c:\\users\\me\\.WEIR\\events\\APP',
    'C:/Users/Me/.weir/events/app/',
    'C:\\Users\\x\\..\\Me\\.weir\\events\\app',
  ]) {
    expect(pipePath(same)).toBe(pipe);
  }
  expect(pipePath('C:\\Users\\Me\\.weir\\events\\app2')).not.toBe(pipe);
  expect(pipePath('D:\\Users\\Me\\.weir\\events\\app')).not.toBe(pipe);
  expect(pipePath(`C:\\${'x'.repeat(300)}`).length).toBeLessThanOrEqual(256);
});
