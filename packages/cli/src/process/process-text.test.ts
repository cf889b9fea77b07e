import { expect, test } from 'vitest';
import { isStale, type ProcessDocument } from './process-document.js';
import { processTable } from './process-text.js';

const job: ProcessDocument = {
  id: 'p',
  name: 'answer',
  state: 'running',
  executor_type: 'llm',
  priority: 0,
  attempt: 1,
  args: null,
  output: null,
  channels: [],
  created_at: '2026-01-01T00:00:00Z',
  assigned_at: '2026-01-01T00:30:00Z',
};

test('a job without a maximum run time is stale once its executor has been silent for a while', () => {
  const now = Date.parse('2026-01-01T00:36:00Z');
  expect(isStale(job, now)).toBe(true);
  expect(isStale(job, now - 2 * 60_000)).toBe(false);
  expect(isStale({ ...job, heartbeat_at: '2026-01-01T00:35:30Z' }, now)).toBe(false);
  // This executor sent heartbeats and has stopped.
  expect(isStale({ ...job, heartbeat_at: '2026-01-01T00:34:30Z' }, now)).toBe(true);
  // This job has a lease that expires by itself.
  expect(isStale({ ...job, max_exec_ms: 60_000 }, now)).toBe(false);
  expect(isStale({ ...job, state: 'waiting' }, now)).toBe(false);
  expect(processTable([job])).toContain('running (stale)');
});
