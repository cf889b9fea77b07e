/** The Durable Streams protocol as its own suite has it, whole, against the real server; subscriptions are no part of Weir. */
import { runConformanceTests } from '@durable-streams/server-conformance-tests';
import { afterAll, beforeAll, describe } from 'vitest';
import { WeirProcess } from './index.js';

const plainFetch = globalThis.fetch;
const config = { baseUrl: '', subscriptions: false };
let weir: WeirProcess;

beforeAll(async () => {
  weir = await new WeirProcess({ WEIR_STREAM_LONG_POLL: '2s' }).start('ready');
  config.baseUrl = weir.url;
  // The suite sends no credential.
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(`${weir.url}/`)) return await plainFetch(input, init);
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    headers.set('authorization', `Bearer ${weir.key}`);
    return await plainFetch(input, { ...init, headers });
  };
});

afterAll(async () => {
  globalThis.fetch = plainFetch;
  await weir?.dispose();
});

describe('Durable Streams', () => runConformanceTests(config));
