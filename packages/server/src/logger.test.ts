import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLogger } from './logger.js';

const RECORD = {
  id: 'i',
  log_id: 'l',
  ended_at: '2026-11-30T10:00:00.000Z',
  tenant: 'p1',
  stack: 'query:GET /api/v1/projects/:id/schema',
  http_status: 200,
  duration_ms: 4,
};

async function written(isTTY: boolean): Promise<string> {
  const output = Object.assign(new PassThrough(), { isTTY });
  const logger = createLogger('info', output);
  logger.info(RECORD, 'usage');
  logger.info({ url: 'http://127.0.0.1:8080', id: 'kept' }, 'listening');
  let text = '';
  output.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  while (!text.includes('listening') || !text.endsWith('\n')) await setImmediate();
  return text;
}

test('a terminal shows one short line for each request', async () => {
  const [usage = '', listening = '', end] = (await written(true)).split('\n');
  expect(usage).toContain('usage');
  expect(usage).toContain('"http_status":200');
  expect(usage).not.toContain('log_id');
  expect(listening).toContain('"id":"kept"');
  expect(end).toBe('');
});

test('otherwise a usage record is logged completely, as a line of JSON', async () => {
  const [usage = ''] = (await written(false)).split('\n');
  expect(JSON.parse(usage)).toMatchObject(RECORD);
});
