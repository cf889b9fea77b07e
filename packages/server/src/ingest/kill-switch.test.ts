import { Flags } from '@weir/ingest';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KillSwitch } from './kill-switch.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('warns at once and every five minutes while ingest is disabled, and not afterwards', () => {
  const logged: string[] = [];
  const logger = { warn: (_: object, text: string) => void logged.push(text), info: () => {} };
  let change = (): void => {};
  const settings = {
    ingestDisabled: false,
    onChange: (listener: () => void) => {
      change = listener;
      return () => {};
    },
    setIngestDisabled: async (): Promise<void> => {},
  };
  const one = new KillSwitch({ settings, flags: new Flags(), logger, startsDisabled: false });
  expect(logged).toEqual([]);
  settings.ingestDisabled = true;
  change();
  change();
  expect(logged).toHaveLength(1);
  vi.advanceTimersByTime(600_000);
  expect(logged).toHaveLength(3);
  settings.ingestDisabled = false;
  change();
  vi.advanceTimersByTime(600_000);
  expect(logged).toHaveLength(3);
  one.close();
});
