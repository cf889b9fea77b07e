import type { FeedCaller } from '../feed-access.js';
import { deliveriesText, extend } from '../group-input.js';
import { pullWhile } from '../pull-while.js';
import type { GroupFrame } from './frames.js';
import type { SubscriptionParts } from './subscription.js';

/**
 * Executes a group call of a socket, and answers.
 * @param gone the connection has ended
 * @throws FeedError, LogError; Problem 402 if the project may not read events
 */
export async function callGroup(
  frame: GroupFrame,
  { projectId, keyId }: FeedCaller,
  { access, feed, outbox, usage }: SubscriptionParts,
  gone: AbortSignal,
): Promise<void> {
  const { id } = frame;
  const group = await feed.groups.find(projectId, frame.group);
  if (frame.op === 'pull') {
    const { max, wait_ms: waitMs, member = keyId, holding } = frame;
    const refusal = () => access.refusalOf(group.definition.stream, projectId);
    const refused = await refusal();
    if (refused !== null) throw refused;
    const deliveries = await pullWhile(
      async () => (await refusal()) === null,
      gone,
      (signal) => group.pull({ max, waitMs, member, holding, signal }),
    );
    if (gone.aborted) await group.release(deliveries.map(({ id: one }) => one));
    await outbox.give(async () => {
      usage?.delivered(deliveries.length);
      const list = await deliveriesText(deliveries, group.stream, feed.texts);
      return `{"op":"deliveries","id":${JSON.stringify(id)},"lease_ms":${group.leaseMs},"deliveries":${list}}`;
    });
    return;
  }
  const { ids } = frame;
  if (frame.op === 'ack') outbox.answer({ op: 'done', id, acknowledged: await group.ack(ids) });
  else if (frame.op === 'extend') outbox.answer({ op: 'done', id, ...(await extend(group, frame)) });
  else if (frame.op === 'release') outbox.answer({ op: 'done', id, released: await group.release(ids) });
  else outbox.answer({ op: 'done', id, returned: await group.nack(ids, frame.delay_ms) });
}
