import { expect, test } from 'vitest';
import { errorClass, WeirError } from './weir-error.js';

class ShopError extends errorClass({
  sold_out: { status: 409, hint: 'choose another article' },
  closed: { status: 503, retryAfterMs: 1_500 },
  broken: {},
}) {}

test('takes status, hint and wait from the table of codes', () => {
  const error = new ShopError('sold_out', 'article 7 is sold out', { limit: 3, oldest: undefined });
  expect(error).toBeInstanceOf(ShopError);
  expect(error).toBeInstanceOf(WeirError);
  expect(error).toMatchObject({
    name: 'ShopError',
    message: 'article 7 is sold out',
    code: 'sold_out',
    status: 409,
    hint: 'choose another article',
    retryAfterMs: undefined,
    retryable: false,
  });
  expect(error.facts).toEqual({ limit: 3 });
});

test('is retryable if the code says how long to wait', () => {
  expect(new ShopError('closed', 'closed')).toMatchObject({
    status: 503,
    retryAfterMs: 1_500,
    retryable: true,
  });
});

test('details at the throwing place override those of the table', () => {
  const cause = new Error('no stock');
  const details = { hint: 'come tomorrow', status: 410, retryable: true, cause, headers: { allow: 'GET' } };
  const error = new ShopError('sold_out', 'sold out', details);
  expect(error).toMatchObject(details);
  expect(error.facts).toEqual({});
});

test('has status 0 if no HTTP answer shows it', () => {
  expect(new ShopError('broken', 'broken').status).toBe(0);
  expect('cause' in new ShopError('broken', 'broken')).toBe(false);
});
