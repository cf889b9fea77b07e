import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePort } from './index.js';

const SCRIPT = `
  import { freePort } from '@weir/base/testing';
  const ports = [];
  for (let i = 0; i < 10; i++) ports.push(await freePort());
  console.log(JSON.stringify(ports));`;

test('concurrent processes get different ports, none of which the kernel gives to others', async () => {
  const ask = async () => {
    const arguments_ = ['--input-type=module', '-e', SCRIPT];
    const { stdout } = await promisify(execFile)(process.execPath, arguments_, { cwd: import.meta.dirname });
    return JSON.parse(stdout) as number[];
  };
  const ports = (await Promise.all([ask(), ask(), ask()])).flat();
  expect(new Set(ports).size).toBe(30);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test('a port in use is skipped', async () => {
  const next = (await freePort()) + 1;
  const holder = createServer().listen(next, '127.0.0.1');
  await once(holder, 'listening');
  expect(await freePort()).toBe(next + 1);
  holder.close();
});
