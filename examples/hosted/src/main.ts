/** Weir hosted for others. Settings: Weir's own (`WEIR_USAGE_SINKS` may name `bills`), HOSTED_DIR, HOSTED_UPGRADE_URL. */
import { join } from 'node:path';
import { createApp, SinkRegistry } from '@weir/server';
import { PlanTable } from './plans.js';
import { Bills, meter, PlanLimiter, paidAnalysis } from './seams.js';

const { HOSTED_DIR = '.', HOSTED_UPGRADE_URL = 'https://example.com/upgrade' } = process.env;

const plans = new PlanTable(join(HOSTED_DIR, 'plans.json'));
const app = await createApp({
  entitlement: paidAnalysis(plans),
  rateLimiter: new PlanLimiter(plans),
  usageSink: meter(join(HOSTED_DIR, 'meter.ndjson')),
  sinks: new SinkRegistry().register('bills', () => new Bills(join(HOSTED_DIR, 'bills.ndjson'))),
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
