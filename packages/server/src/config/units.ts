/** Durations and sizes in the form that people write. */
import { Rate } from '@weir/usage';
import { z } from 'zod';

const DURATIONS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** A duration such as `500ms`, `10s`, `5m`, `24h` or `7d`, in milliseconds. */
export const duration = z
  .string()
  .transform((text, context) =>
    measure(text, DURATIONS, 'a duration such as 500ms, 10s, 5m or 24h', context),
  );

/** The maximum delay of a timer, rounded down. */
const MAX_WAIT_MS = 24 * 86_400_000;

/** A duration that a timer waits for: at most 24 days. */
export const wait = duration.refine((ms) => ms <= MAX_WAIT_MS, 'must be at most 24d');

/** A size such as `512KiB`, `10MiB` or `1GiB`, in bytes. */
export const size = z
  .string()
  .transform((text, context) => measure(text, SIZES, 'a size such as 512KiB, 10MiB or 1GiB', context));

/** A whole number within bounds. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER): z.ZodType<number, string> {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  return z.string().transform((text, context) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    context.addIssue(`must be a whole number ${range}`);
    return z.NEVER;
  });
}

/** The lowest rate: one request in a thousand seconds. */
const MIN_RPS = 0.001;
const MAX_RPS = 1_000_000_000;

/** A rate `rps` or `rps:burst`, such as `100:200` or `0.5`; the burst is twice the rate unless given. */
export const rate = z.string().transform((text, context) => {
  const parsed = rateOf(text);
  if (parsed !== null) return parsed;
  context.addIssue('must be requests a second, and at once: rps:burst, such as 100:200');
  return z.NEVER;
});

/** A {@link rate}, or `off` for none. */
export const rateOrOff = z.string().transform((text, context) => {
  if (text === 'off') return text;
  const parsed = rateOf(text);
  if (parsed !== null) return parsed;
  context.addIssue('must be messages a second, and at once, such as 100:500; or off');
  return z.NEVER;
});

/** An age and a size, such as `7d:4GiB`. */
export const retention = z.string().transform((text, context) => {
  const [age = '', bytes = '', ...rest] = text.split(':');
  const parsed = [duration.safeParse(age), size.safeParse(bytes)] as const;
  if (parsed[0].success && parsed[1].success && rest.length === 0) {
    return { ageMs: parsed[0].data, bytes: parsed[1].data, toString: () => text };
  }
  context.addIssue('must be an age and a size, such as 7d:4GiB');
  return z.NEVER;
});

/** Names, comma separated. */
export const names = z.string().transform((text) =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
);

/** `true` or `false`. */
export const flag = z
  .enum(['true', 'false', '1', '0'], { error: 'must be true or false' })
  .transform((text) => text === 'true' || text === '1');

function rateOf(text: string): Rate | null {
  const [, rps = '', burst = '0'] = /^(\d+(?:\.\d+)?)(?::([1-9]\d*))?$/.exec(text) ?? [];
  const [perSecond, atOnce] = [Number(rps), Number(burst)];
  const isRate = perSecond >= MIN_RPS && perSecond <= MAX_RPS && atOnce <= MAX_RPS;
  return isRate ? new Rate(perSecond, atOnce) : null;
}

function measure(
  text: string,
  units: Readonly<Record<string, number>>,
  form: string,
  context: { addIssue(message: string): void },
): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(text) ?? [];
  const factor = units[unit];
  const value = Number(digits) * (factor ?? Number.NaN);
  if (digits !== '' && Number.isFinite(value) && value > 0) return Math.round(value);
  context.addIssue(`must be ${form}`);
  return z.NEVER;
}
