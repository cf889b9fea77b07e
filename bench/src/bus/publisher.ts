/** Publishes events to NATS core or a Redis stream, as many a second as it is told. */
import { connect } from '@nats-io/transport-node';
import { createClient } from 'redis';
import { atRate, documentText, type Rate } from './rate.js';

/** What to publish to. */
export interface PublishPlan extends Rate {
  readonly to: 'nats' | 'redis';
  readonly url: string;
  /** The subject or stream. */
  readonly name: string;
}

// The cast holds: it is what benchmarks start it with.
const plan = JSON.parse(process.argv[2] ?? '') as PublishPlan;
let made = 0;
if (plan.to === 'nats') {
  const nats = await connect({ servers: plan.url });
  await atRate(plan, (count) => {
    for (let i = 0; i < count; i += 1) nats.publish(plan.name, documentText(made++));
  });
  await nats.drain();
} else {
  const redis = createClient({ url: plan.url });
  await redis.connect();
  const under: Promise<unknown>[] = [];
  await atRate(plan, (count) => {
    for (let i = 0; i < count; i += 1) under.push(redis.xAdd(plan.name, '*', { d: documentText(made++) }));
  });
  await Promise.all(under);
  redis.destroy();
}
