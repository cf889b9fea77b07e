/** The Durable Streams protocol as its own suite has it, whole, against the real server; subscriptions are no part of Weir. */
import { runConformanceTests } from '@durable-streams/server-conformance-tests';
import { afterAll, beforeAll, describe } from 'vitest';
import { sharedWeir } from './harness/shared-weir.js';
import type { WeirProject } from './index.js';

const plainFetch = globalThis.fetch;
const config = { baseUrl: '', subscriptions: false };
let weir: WeirProject;

beforeAll(async () => {
  weir = await sharedWeir();
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

afterAll(() => {
  globalThis.fetch = plainFetch;
});

describe('Durable Streams', () => runConformanceTests(config));
