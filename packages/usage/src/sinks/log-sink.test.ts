import { expect, it } from 'vitest';
import { describeSink } from '../conformance/index.js';
import { record } from '../conformance/records.js';
import { documentOf } from '../records/document.js';
import { LogSink } from './log-sink.js';

type Line = readonly [level: string, fields: object, message: string];

function linesLogger(lines: Line[]) {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push([level, fields, message]);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

describeSink('log', async () => {
  const lines: Line[] = [];
  return {
    name: 'log',
    exact: false,
    ordered: true,
    open: async () => new LogSink(linesLogger(lines)),
    read: async () => lines.map(([, fields]) => ('id' in fields ? String(fields.id) : '')),
    destroy: async () => undefined,
  };
});

it('writes the record as fields, _sys at debug, and does not take the name of the line’s own time', () => {
  const lines: Line[] = [];
  const sink = new LogSink(linesLogger(lines));
  const event = record(14);
  sink.writeEvent(event);
  sink.writeEvent({ ...event, tenant: '_sys' });
  const { time, ...fields } = documentOf(event);
  expect(lines).toEqual([
    ['info', { ...fields, ended_at: time }, 'usage'],
    ['debug', { ...fields, ended_at: time, tenant: '_sys' }, 'usage'],
  ]);
  sink.close();
  sink.writeEvent(event);
  expect([lines.length, sink.ignored]).toEqual([2, 1]);
});
