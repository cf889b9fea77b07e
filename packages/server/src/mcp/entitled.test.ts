import type { Entitlement } from '@weir/extension';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { SeamCaller, type SeamFailure } from '../seams/bounded.js';
import { entitled } from './entitled.js';

const CALLER = { projectId: 'p', tokenId: 't' };

function gate(allowAnalysis: Entitlement['allowAnalysis'], failure: SeamFailure = 'open') {
  const seams = new SeamCaller(failure, pino({ level: 'silent' }), () => {});
  return entitled({ allowAnalysis }, seams)(CALLER, 'query');
}

it('lets a call of an entitled project run', async () => {
  expect(await gate((projectId) => ({ ok: projectId === 'p' }))).toBeNull();
});

it('refuses with the reason, or a sentence of its own', async () => {
  expect(await gate(() => ({ ok: false, reason: 'the trial has ended' }))).toEqual({
    code: 'payment_required',
    message: 'the trial has ended',
  });
  expect((await gate(async () => ({ ok: false })))?.message).toMatch(/not entitled/);
});

it('does what is configured where the seam throws', async () => {
  const broken = () => {
    throw new Error('broken');
  };
  expect(await gate(broken)).toBeNull();
  expect((await gate(broken, 'closed'))?.code).toBe('payment_required');
});
