import type { ServerContext } from '@modelcontextprotocol/server';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Problem } from '../http/problem.js';
import { Cancellations } from './cancellations.js';
import { entitled } from './entitled.js';
import { type BeforeCall, ToolCalls } from './tool-calls.js';
import { ERROR_META_KEY } from './tool-error.js';

// The cast holds: a call reads its id and its signal alone.
const CONTEXT = { mcpReq: { id: 1, signal: new AbortController().signal } } as unknown as ServerContext;

function calls(beforeCall: BeforeCall | null): ToolCalls {
  return new ToolCalls({
    caller: { projectId: 'p', tokenId: 't' },
    sessionId: null,
    requestId: 'r-1',
    query: () => {
      throw new Problem(503, 'engine_unavailable', 'no reader here', { hint: 'set its password' });
    },
    cancellations: new Cancellations(),
    beforeCall,
    logger: pino({ level: 'silent' }),
  });
}

it('does not run a call the host refuses, and gives its reason', async () => {
  let ran = 0;
  const answer = () => {
    ran += 1;
    return { text: 'rows', structured: {} };
  };
  const refused = await calls(entitled({ refusal: async () => 'the trial has ended' })).run(
    'tail',
    CONTEXT,
    answer,
  );
  expect(refused).toMatchObject({ isError: true, _meta: { [ERROR_META_KEY]: { code: 'payment_required' } } });
  expect(JSON.stringify(refused.content)).toContain('the trial has ended');
  expect(ran).toBe(0);
  const admitted = await calls(entitled({ refusal: async () => null })).run('tail', CONTEXT, answer);
  expect(admitted.isError).toBeUndefined();
  expect(ran).toBe(1);
});

it('says what a server without a read path lacks', async () => {
  const all = calls(null);
  const result = await all.run('schema', CONTEXT, () => ({ text: String(all.query), structured: {} }));
  expect(result).toMatchObject({
    isError: true,
    _meta: { [ERROR_META_KEY]: { code: 'engine_unavailable' } },
  });
  expect(JSON.stringify(result.content)).toContain('set its password');
});

it('hides what nobody foresaw behind the request id', async () => {
  const result = await calls(null).run('tail', CONTEXT, () => {
    throw new Error('password=hunter2');
  });
  expect(result).toMatchObject({ isError: true, _meta: { [ERROR_META_KEY]: { code: 'internal' } } });
  expect(JSON.stringify(result)).not.toContain('hunter2');
  expect(JSON.stringify(result.content)).toContain('r-1');
});
