import { afterAll, beforeAll, describe, test } from 'vitest';
import { AttackedServer } from './attacked-server.js';
import { ATTACKS } from './attacks.js';
import { expectUnharmed } from './expect-unharmed.js';

let server: AttackedServer;
beforeAll(async () => {
  server = await AttackedServer.start();
  await server.measureHonest();
});
afterAll(async () => {
  await server?.stop();
});

describe('other clients are served while a client sends', () => {
  test.each(Object.keys(ATTACKS).filter((name) => name !== 'honest'))('%s', async (name) => {
    const attacked = await server.attack(name);
    process.stdout.write(`${server.describe(name, attacked)}\n`);
    await expectUnharmed(server, attacked);
  });
});
