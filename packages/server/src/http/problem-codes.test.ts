import { AccountsError } from '@weir/accounts';
import { ChannelError } from '@weir/channel';
import { ProcessError } from '@weir/channel/process';
import { StreamError } from '@weir/channel/stream';
import { FeedError } from '@weir/feed';
import { IngestError } from '@weir/ingest';
import { LogError } from '@weir/log';
import { PostgresError } from '@weir/postgres';
import { QueryError } from '@weir/query';
import { expect, test } from 'vitest';
import { Problem, problemBody, problemHeaders } from './problem.js';
import { problemOf } from './problem-of.js';

const CLASSES = [
  Problem,
  AccountsError,
  ChannelError,
  FeedError,
  IngestError,
  LogError,
  ProcessError,
  QueryError,
  StreamError,
];

test('a code has one status and one Retry-After, for every package that throws it', () => {
  const known = new Map<string, object>();
  for (const { name, codes } of CLASSES) {
    for (const [code, { status, retryAfterMs }] of Object.entries(codes)) {
      if (status === undefined) continue;
      expect({ name, code, status, retryAfterMs }).toMatchObject(known.get(code) ?? {});
      known.set(code, { status, retryAfterMs });
    }
  }
  expect(known.size).toBeGreaterThan(80);
});

test('an error with a status is shown unchanged', () => {
  const error = new LogError('log_full', 'the log is full', { limit: 7 });
  expect(problemOf(error)).toBe(error);
  expect(problemHeaders(error)).toMatchObject({ 'retry-after': '5' });
  expect(JSON.parse(problemBody(error, 'r'))).toMatchObject({
    type: 'urn:weir:problem:log_full',
    title: 'Service Unavailable',
    status: 503,
    detail: 'the log is full',
    request_id: 'r',
    limit: 7,
    retry_after_s: 5,
    retry_after_ms: 5_000,
    hint: expect.stringContaining('nothing was stored'),
  });
});

test.each([
  ['of a code without a status', new LogError('locked', 'secret: /var/lib is in use'), 500, 'internal'],
  ['that is no error of Weir', new TypeError('secret is not a function'), 500, 'internal'],
  [
    'of a store, whose driver names hosts and users',
    new PostgresError('store_unavailable', 'secret: no connection to 10.0.0.5'),
    503,
    'store_unavailable',
  ],
])('hides the message of an error %s', (_, error, status, code) => {
  const problem = problemOf(error);
  expect(problem).toMatchObject({ status, code, cause: error });
  expect(problemBody(problem, 'r')).not.toContain('secret');
});
