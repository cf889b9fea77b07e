import { afterEach, expect, test } from 'vitest';
import { refuse, ScriptedServer, type Step } from '../testing/scripted-server.js';
import { Weir } from '../weir.js';

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

interface SentEvent {
  readonly event: string;
  readonly event_id: string;
}

const eventsOf = (body: string) => (JSON.parse(body) as { events: SentEvent[] }).events;

/** A server that takes so many events of a request, and rejects those of the name `bad`. */
const takes =
  (most: number): Step =>
  (response, { body }) => {
    const events = eventsOf(body);
    if (events.length > most)
      return refuse(413, { code: 'batch_too_large' })(response, {
        body,
        path: '',
        query: new URLSearchParams(),
      });
    const errors = events.flatMap(({ event }, index) => (event === 'bad' ? [{ index, reason: 'bad' }] : []));
    const accepted = events.length - errors.length;
    response.end(
      JSON.stringify({ accepted, duplicates: 0, rejected: errors.length, errors, receipt: `r${accepted}` }),
    );
  };

test('requests are halved for a server of lower limits, and errors keep the places of the caller', async () => {
  server = await ScriptedServer.start(...Array.from({ length: 20 }, () => takes(2)));
  const weir = new Weir({ url: server.url, key: 'k' });
  const names = ['a', 'b', 'c', 'd', 'bad', 'f', 'g'];
  const sent = await weir.ingest(names.map((event) => ({ event })));
  expect(sent).toMatchObject({ accepted: 6, rejected: 1, errors: [{ index: 4, reason: 'bad' }] });
  const taken = server.asked.map(({ body }) => eventsOf(body)).filter((events) => events.length <= 2);
  expect(taken.flat().map(({ event }) => event)).toEqual(names);
  expect(sent.receipt.ids).toHaveLength(taken.length);
});

test('a request that is repeated has the same ids, and waits as long as the server asks', async () => {
  const busy = refuse(429, { code: 'at_capacity' }, { 'retry-after': '1' });
  server = await ScriptedServer.start((response) => response.destroy(), busy, takes(9));
  const begun = performance.now();
  await new Weir({ url: server.url, key: 'k' }).ingest([{ event: 'a' }, { event: 'b', event_id: 'mine' }]);
  expect(performance.now() - begun).toBeGreaterThan(990);
  const ids = server.asked.map(({ body }) => eventsOf(body).map(({ event_id }) => event_id));
  expect(ids).toHaveLength(3);
  expect(new Set(ids.map(String)).size).toBe(1);
  expect(ids[0]?.[1]).toBe('mine');
});

test('a request that must not run twice is repeated after a refusal alone', async () => {
  const lost: Step = (response) => response.destroy();
  server = await ScriptedServer.start(refuse(503, { code: 'draining' }), lost, lost);
  const { admin } = new Weir({ url: server.url, key: 'k' });
  await expect(admin.projects.create('shop')).rejects.toMatchObject({ code: 'unreachable' });
  expect(server.asked).toHaveLength(2);
});
