/**
 * Weir hosted for others. Settings are Weir's own (`WEIR_…`), and HOSTED_PLANS, HOSTED_METER (files) and
 * HOSTED_UPGRADE_URL.
 */
import { createApp } from '@weir/server';
import { PlanTable } from './plans.js';
import { Meter, PaidAnalysis, PlanLimiter } from './seams.js';

const {
  HOSTED_PLANS = 'plans.json',
  HOSTED_METER = 'meter.ndjson',
  HOSTED_UPGRADE_URL = 'https://example.com/upgrade',
} = process.env;

const plans = new PlanTable(HOSTED_PLANS);
const app = await createApp({
  entitlement: new PaidAnalysis(plans),
  rateLimiter: new PlanLimiter(plans),
  usageSink: new Meter(HOSTED_METER),
  upgradeUrl: HOSTED_UPGRADE_URL,
});
const stop = new Promise<void>((resolve) => {
  process.once('SIGTERM', resolve).once('SIGINT', resolve);
});
console.log(`hosting at ${await app.listen()}`);
const failure = await Promise.race([app.failure, stop]);
await app.close();
plans.close();
if (failure instanceof Error) throw failure;
