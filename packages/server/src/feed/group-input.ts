/** What members of a group ask, the same over HTTP and over a socket. */
import { Slice } from '@weir/base';
import type { EventTexts, FeedDelivery, FeedGroup } from '@weir/feed';
import { z } from 'zod';

/** Items one call may name or take. */
const MAX_IDS = 1_000;
/** What a member takes at once when it does not say. */
const DEFAULT_MAX = 100;
const MAX_WAIT_MS = 30_000;
const MAX_DELAY_MS = 12 * 3_600_000;

const memberName = z.string().min(1).max(100);
const deliveryId = z.string().max(64);
/** Ids of deliveries or dead letters. */
export const idList = z.array(z.string()).min(1).max(MAX_IDS);
/** The next items. */
export const pullInput = z.strictObject({
  max: z.number().int().min(1).max(MAX_IDS).default(DEFAULT_MAX),
  wait_ms: z.number().int().min(0).max(MAX_WAIT_MS).default(0),
  member: memberName.optional(),
  holding: z
    .array(deliveryId)
    .max(2 * MAX_IDS)
    .optional(),
});
/** Done with these. */
export const idsInput = z.strictObject({ ids: idList });
/** More time for these; with a member, only while it has them, or another that gives them up. */
export const extendInput = z.strictObject({
  ids: idList,
  member: memberName.optional(),
  from: memberName.optional(),
});
/** These again. */
export const nackInput = z.strictObject({
  ids: idList,
  delay_ms: z.number().int().min(0).max(MAX_DELAY_MS).default(0),
});

/** Gives more time; a member is told which of them it has lost. */
export async function extend(
  group: FeedGroup,
  { ids, member, from }: z.output<typeof extendInput>,
): Promise<{ readonly extended: number; readonly lost?: readonly string[] }> {
  if (member === undefined) return { extended: await group.extend(ids) };
  const claimed = new Set(await group.claim(ids, member, from));
  return { extended: claimed.size, lost: ids.filter((id) => !claimed.has(id)) };
}

/**
 * Deliveries as a JSON array: put together by hand, as the events are there as texts. Made in slices, as one pull can have
 * 4 MiB of events.
 */
export async function deliveriesText(
  deliveries: readonly FeedDelivery[],
  stream: string,
  texts: EventTexts,
): Promise<string> {
  const items: string[] = [];
  const slice = new Slice({ owner: stream });
  for (const delivery of deliveries) {
    const { id, cursor, attempt } = delivery;
    items.push(
      `{"id":"${id}","cursor":"${cursor}","attempt":${attempt},"event":${texts.of(stream, delivery).text}}`,
    );
    if (slice.isOver) await slice.next();
  }
  return `[${items.join(',')}]`;
}
