import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChannelGround } from './harness/channel-ground.js';

const ground = new ChannelGround();

beforeAll(() => ground.start());
afterAll(() => ground.dispose());

it('one order for everyone, nothing lost and nothing twice: 50 channels through retries, cut connections, lost executors and kills', async () => {
  expect(await ground.run(50)).toMatchObject({ send: expect.any(Number), cut: expect.any(Number) });
}, 600_000);
