/**
 * Consumers of subscriptions that are set up by the first and taken down after the last: many come and go at random, some
 * are killed, and so is their bus. The hooks write down what they did.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { killBuses } from './buses.js';
import { Consumer } from './consumer.js';
import { randomNumbers } from './random.js';
import { waitUntil } from './wait-until.js';
import { WeirProcess } from './weir-process.js';

const ROOMS = 3;
const AT_A_TIME = 5;
const RECORD = 'hooks.txt';

const KEYS = `
import { appendFileSync } from 'node:fs';
const note = (sign, room) => appendFileSync(new URL('./${RECORD}', import.meta.url), sign + room + '\\n');
export default [{
  key: 'held', eventType: 'weir.event', schema: { custom: { raw: { type: 'object' } } },
  params: [{ name: 'room', type: 'string', required: true, subscriptionKey: true, description: 'A room' }],
  preConsume: async (api, { room }) => { note('+', room); return { state: { room } }; },
  cleanup: async (api, { room }, state) => {
    if (state !== undefined && state.room !== room) throw new Error('the state of another room');
    note('-', room);
  },
}];
`;

/** What became of it. */
export interface LeaseRun {
  readonly summary: string;
  /** What each room's hooks did, in order: \`+\` set up, \`-\` taken down. */
  readonly rooms: Readonly<Record<string, string>>;
}

/** So many consumers come and go. */
export async function runLeases(options: {
  readonly consumers: number;
  readonly busKills: number;
  readonly seed: number;
}): Promise<LeaseRun> {
  const weir = await new WeirProcess().start();
  const random = randomNumbers(options.seed);
  writeFileSync(join(weir.dataDir, 'weir.keys.mjs'), KEYS);
  writeFileSync(join(weir.dataDir, RECORD), '');
  const there: Consumer[] = [];
  const ending: Promise<unknown>[] = [];
  let killed = 0;
  const come = () => {
    const room = `r${Math.floor(random() * ROOMS)}`;
    const one = new Consumer(weir, ['consume', 'held', '--keys', 'weir.keys.mjs', '-p', `room=${room}`], {
      WEIR_EVENT_BUS_IDLE: '2s',
    });
    there.push(one);
    return one;
  };
  const go = () => {
    const [one] = there.splice(Math.floor(random() * there.length), 1);
    if (one === undefined) return;
    const isKilled = random() < 0.3;
    if (isKilled) killed += 1;
    one.signal(isKilled ? 'SIGKILL' : 'SIGTERM');
    ending.push(one.ended());
  };
  try {
    const every = Math.floor(options.consumers / (options.busKills + 1));
    for (let i = 1; i <= options.consumers; i += 1) {
      const newcomer = come();
      // Some are gone again before they have begun.
      if (random() < 0.7) await newcomer.ready();
      if (i % every === 0 && i < options.consumers) killBuses(weir.dataDir);
      while (there.length > 0 && (there.length >= AT_A_TIME || random() < 0.6)) go();
    }
    while (there.length > 0) go();
    await Promise.all(ending);
    const isQuiet = () => Object.values(roomsIn(weir)).every((done) => done.endsWith('-'));
    await waitUntil('the last cleanups', isQuiet, 60_000).catch(() => {});
    const rooms = roomsIn(weir);
    const hooks = Object.values(rooms).join('').length;
    return {
      summary: `seed ${options.seed}; ${options.consumers} consumers, ${killed} killed, ${options.busKills} kills of the bus; ${hooks / 2} subscriptions set up and taken down`,
      rooms,
    };
  } finally {
    for (const one of there) one.kill();
    killBuses(weir.dataDir);
    await weir.dispose();
  }
}

function roomsIn(weir: WeirProcess): Record<string, string> {
  const rooms: Record<string, string> = {};
  for (const line of readFileSync(join(weir.dataDir, RECORD), 'utf8').split('\n')) {
    const room = line.slice(1);
    if (room !== '') rooms[room] = (rooms[room] ?? '') + line.slice(0, 1);
  }
  return rooms;
}
