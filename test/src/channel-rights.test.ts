/** A reader that loses its right to a channel is disconnected within ten seconds, on every surface. All wait for the same check. */
import { beforeAll, expect, it } from 'vitest';
import { ChannelClient } from './harness/channel-client.js';
import { EventStream } from './harness/event-stream.js';
import { Jobs } from './harness/jobs.js';
import { sharedWeir } from './harness/shared-weir.js';
import { type WeirProject, waitUntil } from './index.js';

/** Within which a right that is lost must have its effect. */
const RIGHTS_MS = 10_000;

let weir: WeirProject;

beforeAll(async () => {
  weir = await sharedWeir();
});

it('a revoked key loses its connection, and an observer taken off its reading (rule 3 of the socket)', async () => {
  const keyOf = async (scopes: readonly string[]) => {
    const { body } = await weir.operator('POST', `/projects/${weir.project}/keys`, { name: 'other', scopes });
    const { id, api_key: key } = body as { id: string; api_key: string };
    return { id, key };
  };
  const connect = (key: string) => ChannelClient.connect(weir.url, key);
  const follow = (process: string, key: string) =>
    EventStream.open(`${weir.url}/api/v1/processes/${process}/channels/c/subscribe?as=text`, {
      authorization: `Bearer ${key}`,
    });
  const jobs = new Jobs(weir);
  const [leaver, observer] = [await keyOf(['channel', 'process']), await keyOf(['channel'])];
  const own = await new Jobs(weir, leaver.key).run();
  const observed = await jobs.run();
  await jobs.call('POST', `/${observed.id}/observers`, { add: [leaver.id, observer.id] });

  const sockets = [await connect(leaver.key), await connect(observer.key), await connect(weir.key)] as const;
  const [revoked, watching, other] = sockets;
  await revoked.open(1, own.id, 'c');
  for (const client of [watching, other]) await client.open(1, observed.id, 'c');
  const streams = [
    await follow(own.id, leaver.key),
    await follow(observed.id, observer.key),
    await follow(observed.id, weir.key),
  ] as const;
  const bearer = { authorization: `Bearer ${leaver.key}` };
  let hasAnswer = false;
  const poll = weir.request('GET', `/api/v1/processes/${own.id}/channels/c/messages?wait_ms=30000`, {
    headers: bearer,
  });
  void poll.then(() => {
    hasAnswer = true;
  });
  // The poll waits by the time that these are answered.
  await weir.request('PUT', '/v1/stream/rights', { headers: bearer });
  const named = await EventStream.open(`${weir.url}/v1/stream/rights?offset=-1&live=sse`, bearer);
  await weir.operator('DELETE', `/projects/${weir.project}/keys/${leaver.id}`);
  await jobs.call('POST', `/${observed.id}/observers`, { remove: [observer.id] });

  expect(await waitUntil('the end', () => revoked.closed, RIGHTS_MS)).toBe(1008);
  const told = await waitUntil('word', () => watching.controls.find(({ op }) => op === 'error'), RIGHTS_MS);
  expect(told).toMatchObject({ ch: 1, of: 'reading', code: 'forbidden' });
  const left = [streams[0], streams[1], named];
  await waitUntil('the streams', () => left.every(({ isOver }) => isOver) && hasAnswer, RIGHTS_MS);
  expect(JSON.parse((await poll).text)).toMatchObject({ messages: [] });
  await jobs.call('POST', `/${observed.id}/channels/c/messages`, { sequence: 1, text: 'for those who may' });
  await waitUntil('it', () => other.messages(1).length === 1 && streams[2].messages.length === 1);
  expect([watching.closed, other.closed, streams[2].isOver]).toEqual([null, null, false]);
  expect(watching.messages(1)).toEqual([]);
  expect(streams[1].events).toEqual([]);
  for (const client of sockets) client.close();
  streams[2].close();
});
