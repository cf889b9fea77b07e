/** The user's keys: how commands show them, and when their code runs. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { weir } from '../testing/weir-process.js';

const KEYS = `
import { writeFileSync } from 'node:fs';
import { defineKey } from '@weir/event';
writeFileSync('ran', '');
export default [
  defineKey({
    key: 'shop.order', eventType: 'order', description: 'Orders',
    scopes: ['feed', 'query'], authTypes: ['user', 'bot'],
    params: [
      { name: 'size', type: 'enum', description: 'How large', default: 'small', subscriptionKey: true,
        values: [{ value: 'small', desc: 'Below 100' }, { value: 'large', desc: 'From 100' }] },
      { name: 'shop', type: 'string', description: 'Which shop', required: true },
    ],
    schema: { custom: { raw: { type: 'object' } } },
  }),
];`;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'weir-keys-'));
  await writeFile(join(cwd, 'weir.keys.mjs'), KEYS);
});
afterEach(async () => await rm(cwd, { recursive: true, force: true }));

const hasRun = async (): Promise<boolean> =>
  await readFile(join(cwd, 'ran')).then(
    () => true,
    () => false,
  );

test('code of the working directory runs only once it is trusted', async () => {
  for (const args of [
    ['list'],
    ['schema', 'weir.event'],
    ['schema', 'shop.order'],
    ['doctor'],
    ['status'],
    ['consume', 'shop.order'],
  ])
    await weir(['event', ...args], { cwd });
  expect(await hasRun()).toBe(false);
  const list = await weir(['event', 'list'], { cwd });
  expect(list).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/weir\.keys\.mjs was not read.*weir event trust/),
  });

  // The group is enough.
  await chmod(join(cwd, 'weir.keys.mjs'), 0o664);
  const refused = await weir(['event', 'trust'], { cwd });
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('other users may write to') });
  await chmod(join(cwd, 'weir.keys.mjs'), 0o644);
  expect(await weir(['event', 'trust'], { cwd })).toMatchObject({ code: 0 });
  expect(await hasRun()).toBe(false);
  expect((await weir(['event', 'list'], { cwd })).stdout).toMatch(
    /^shop\.order +size, shop +user, bot +Orders$/m,
  );
  expect(await hasRun()).toBe(true);

  // A file that other users can change loses its trust.
  await chmod(join(cwd, 'weir.keys.mjs'), 0o666);
  expect((await weir(['event', 'list'], { cwd })).stdout).not.toContain('shop.order');
  await chmod(join(cwd, 'weir.keys.mjs'), 0o644);
  expect(await weir(['event', 'trust', '--remove'], { cwd })).toMatchObject({ code: 0 });
  expect((await weir(['event', 'list'], { cwd })).stdout).not.toContain('shop.order');
});

test('weir event schema shows params and identities', async () => {
  const { code, stdout } = await weir(['event', 'schema', 'shop.order', '--keys', 'weir.keys.mjs'], { cwd });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^size +enum +small +yes +How large$/m);
  expect(stdout).toMatch(/^shop +string +required +Which shop$/m);
  expect(stdout).toMatch(/^small +Below 100$/m);
  expect(stdout).toMatch(/^large +From 100$/m);
  expect(stdout).toMatch(/^Identity: user, bot\nScopes: feed, query$/m);
});
