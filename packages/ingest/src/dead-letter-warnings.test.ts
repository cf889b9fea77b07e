import { expect, test } from 'vitest';
import { DeadLetterWarnings } from './dead-letter-warnings.js';

test('warns of dead letters at 100 and 10,000 events, and at the first quarantined one', () => {
  const logged: string[] = [];
  const note = (_: object, message: string) => void logged.push(message);
  const warnings = new DeadLetterWarnings({ debug: note, info: note, warn: note, error: note });
  const toldAt = (depth: number, quarantined = 0) => {
    logged.length = 0;
    warnings.look({ depth, quarantined });
    return logged.map((message) => /\d+ events or more|quarantined/.exec(message)?.[0]);
  };
  expect([toldAt(99), toldAt(100), toldAt(99), toldAt(150)]).toEqual([[], ['100 events or more'], [], []]);
  expect([toldAt(20_000), toldAt(9_000), toldAt(10_000)]).toEqual([['10000 events or more'], [], []]);
  expect([toldAt(10), toldAt(120)]).toEqual([[], ['100 events or more']]);
  expect([toldAt(120, 1), toldAt(120, 5), toldAt(0, 0), toldAt(0, 1)]).toEqual([
    ['quarantined'],
    [],
    [],
    ['quarantined'],
  ]);
});
