import type { ServerContext } from '@modelcontextprotocol/server';
import type { Admission } from '@weir/usage';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Problem } from '../http/problem.js';
import { Cancellations } from './cancellations.js';
import { ToolCalls } from './tool-calls.js';
import { ERROR_META_KEY } from './tool-error.js';

// The cast holds: a call only reads its id and its signal.
const CONTEXT = { mcpReq: { id: 1, signal: new AbortController().signal } } as unknown as ServerContext;

function calls(admission: Admission = { ok: true, lease: null }): ToolCalls {
  return new ToolCalls({
    usage: undefined,
    caller: { projectId: 'p', tokenId: 't' },
    sessionId: null,
    requestId: 'r-1',
    query: () => {
      throw new Problem('engine_unavailable', 'no reader here', { hint: 'set its password' });
    },
    cancellations: new Cancellations(),
    admit: () => admission,
    upgradeUrl: 'https://pay.example',
    logger: pino({ level: 'silent' }),
  });
}

it('does not run a refused call, and reports the reason and the remedy', async () => {
  let ran = 0;
  const answer = () => {
    ran += 1;
    return { text: 'rows', structured: {} };
  };
  const denied = { ok: false, code: 'payment_required', detail: 'the trial has ended' } as const;
  const refused = await calls({ ...denied, retryAfterMs: 0 }).run('tail', CONTEXT, answer);
  expect(refused).toMatchObject({ isError: true, _meta: { [ERROR_META_KEY]: { code: 'payment_required' } } });
  expect(JSON.stringify(refused.content)).toContain('the trial has ended');
  expect(JSON.stringify(refused.content)).toContain('They can see https://pay.example');
  const limited = { ok: false, code: 'rate_limited', detail: 'too many requests' } as const;
  const later = await calls({ ...limited, retryAfterMs: 1_500 }).run('tail', CONTEXT, answer);
  expect(later).toMatchObject({
    _meta: { [ERROR_META_KEY]: { code: 'rate_limited', retry_after_s: 2 } },
  });
  expect(JSON.stringify(later.content)).toContain('wait 2 s, then call again');
  expect(ran).toBe(0);
  expect((await calls().run('tail', CONTEXT, answer)).isError).toBeUndefined();
  expect(ran).toBe(1);
});

it('releases the lease when a call has ended, for any reason', async () => {
  let released = 0;
  const lease = {
    release: () => {
      released += 1;
    },
  };
  const admitted = calls({ ok: true, lease });
  await admitted.run('tail', CONTEXT, () => {
    expect(released).toBe(0);
    return { text: 'rows', structured: {} };
  });
  expect(released).toBe(1);
  await admitted.run('tail', CONTEXT, () => {
    throw new Error('broken');
  });
  expect(released).toBe(2);
});

it('reports a missing read path', async () => {
  const all = calls();
  const result = await all.run('schema', CONTEXT, () => ({ text: String(all.query), structured: {} }));
  expect(result).toMatchObject({
    isError: true,
    _meta: { [ERROR_META_KEY]: { code: 'engine_unavailable' } },
  });
  expect(JSON.stringify(result.content)).toContain('set its password');
});

it('hides an unexpected error behind the request id', async () => {
  const result = await calls().run('tail', CONTEXT, () => {
    throw new Error('password=hunter2');
  });
  expect(result).toMatchObject({ isError: true, _meta: { [ERROR_META_KEY]: { code: 'internal' } } });
  expect(JSON.stringify(result)).not.toContain('hunter2');
  expect(JSON.stringify(result.content)).toContain('r-1');
});
