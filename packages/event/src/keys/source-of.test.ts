import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parseParams, Registry, subscriptionId } from '../index.js';
import { ConsumeError, feedRequest } from '../source/index.js';
import { shippedKeys, sourceOf } from './index.js';

const registry = new Registry(shippedKeys);
const place = { server: 'http://weir', project: 'p1' };

async function sourceFor(name: string, args: readonly string[]) {
  const key = registry.lookup(name);
  if (key === undefined) throw new Error(`there is no key ${name}`);
  // An API without an answer does not prevent the consumer: its bus reports the failure.
  const api = { callApi: () => Promise.reject(new ConsumeError('network', 'unreachable', 'nobody answers')) };
  const given = parseParams(key.params, args);
  const params = (await key.normalizeParams?.(api, given)) ?? given;
  return { source: sourceOf(key, params, place), id: subscriptionId(key, params) };
}

const feed = { kind: 'feed', ...place };

test.each<[string, string[], unknown]>([
  ['weir.event', [], { ...feed, stream: 'events' }],
  ['weir.event.identified', ['event=a,b'], { ...feed, stream: 'events', names: ['a', 'b'] }],
  ['weir.usage', [], { ...feed, stream: 'usage' }],
  ['weir.ingest.dead_letter', [], { ...feed, stream: 'dead_letters' }],
  ['weir.process', [], { ...feed, stream: 'processes' }],
  [
    'weir.channel.message',
    ['process=AB-1', 'channel=tokens'],
    { kind: 'channel', server: 'http://weir', process: 'ab-1', name: 'tokens' },
  ],
  ['nats.message', ['subject=a.>'], { kind: 'nats', servers: ['nats://127.0.0.1:4222'], subject: 'a.>' }],
  ['nats.message', ['subject=a', 'servers=x:1,y:2'], { kind: 'nats', servers: ['x:1', 'y:2'], subject: 'a' }],
  ['webhook.request', ['path=/a'], { kind: 'webhook', host: '127.0.0.1', port: 8787, path: '/a' }],
  [
    'webhook.request',
    ['path=a é', 'port=99', 'host=::1'],
    { kind: 'webhook', host: '::1', port: 99, path: '/a%20%C3%A9' },
  ],
  ['file.line', ['path=logs/app.log'], { kind: 'file', path: resolve('logs/app.log') }],
  ['file.line', ['path=-'], 'stdin'],
])('the source of %s %j is %j', async (name, args, expected) => {
  expect((await sourceFor(name, args)).source).toEqual(expected);
});

test('a key of another type gets the events named like its type', () => {
  const source = sourceOf({ key: 'shop.order', eventType: 'order' }, { project: 'of their own' }, place);
  expect(source).toEqual({ ...feed, stream: 'events', names: ['order'] });
});

test('streams other than events are requested by name', () => {
  expect(feedRequest({ ...place, key: 'k', stream: 'usage' }).query).toEqual({ stream: 'usage', event: [] });
  expect(feedRequest({ ...place, key: 'k', stream: 'events', names: ['a'] }).query).toEqual({ event: ['a'] });
});

test('the same file or path is one subscription, however it is written', async () => {
  const ids = async (name: string, ...args: string[]) =>
    new Set(await Promise.all(args.map(async (arg) => (await sourceFor(name, [arg])).id)));
  expect(await ids('file.line', 'path=a/../b', `path=${resolve('b')}`)).toHaveProperty('size', 1);
  expect(await ids('webhook.request', 'path=a', 'path=/a', 'path=/b')).toHaveProperty('size', 2);
});

test.each<[string, object, object]>([
  ['nats.message', {}, { code: 'missing_param' }],
  ['weir.channel.message', { process: 'p' }, { code: 'missing_param' }],
  ['webhook.request', { path: '' }, { code: 'missing_param' }],
  ['webhook.request', { path: '/a', port: 0 }, { code: 'invalid_port' }],
  ['file.line', { path: 5 }, { code: 'missing_param' }],
])('%s of one’s own with %j is refused', (eventType, params, expected) => {
  const key = { key: 'own', eventType };
  expect(() => sourceOf(key, { ...params }, place)).toThrow(
    expect.objectContaining({ kind: 'usage', ...expected }),
  );
});

// Lease files of earlier releases contain these ids: a change would orphan existing subscriptions.
test.each([
  ['weir.usage', [], 'weir.usage'],
  ['weir.ingest.dead_letter', [], 'weir.ingest.dead_letter'],
  ['weir.process', ['state=failed', 'name=n'], 'weir.process:oiMWzQLkfdSCeBI3'],
  ['weir.channel.message', ['project=a', 'process=B', 'channel=c'], 'weir.channel.message:jeOkv8gatJ-v9xmb'],
  ['nats.message', ['subject=orders.>', 'servers=a:1'], 'nats.message:7Q_s9WU2ZcarpCOR'],
  ['webhook.request', ['path=github', 'port=1'], 'webhook.request:8jlGOmCO6CO688wZ'],
  ['file.line', ['path=/var/log/app.log'], 'file.line:v62UjxG6jocJS3H2'],
])('the subscription of %s %j never changes', async (name, args, id) => {
  expect((await sourceFor(name, args)).id).toBe(id);
});

test('every shipped key describes itself, its lines and its identities', () => {
  for (const key of registry.listAll()) {
    expect(key.description, key.key).toBeTruthy();
    expect(key.outputSchema.type, key.key).toBe('object');
    const scope = key.key === 'weir.channel.message' ? 'channel' : 'feed';
    expect(key.scopes, key.key).toEqual(key.key.startsWith('weir.') ? [scope] : []);
    expect(key.authTypes, key.key).toEqual(key.key.startsWith('weir.') ? ['bot'] : []);
  }
  expect(registry.listAll().map(({ key }) => key)).toEqual([
    'file.line',
    'nats.message',
    'webhook.request',
    'weir.channel.message',
    'weir.event',
    'weir.event.identified',
    'weir.ingest.dead_letter',
    'weir.process',
    'weir.usage',
  ]);
});
