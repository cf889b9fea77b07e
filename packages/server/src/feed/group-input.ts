/** Requests of group members, the same over HTTP and over a socket. */
import { Slice } from '@weir/base';
import type { EventTexts, FeedDelivery, FeedGroup } from '@weir/feed';
import { z } from 'zod';

/** Maximum items that one call may name or take. */
const MAX_IDS = 1_000;
/** Default number of items in one pull. */
const DEFAULT_MAX = 100;
const MAX_WAIT_MS = 30_000;
const MAX_DELAY_MS = 12 * 3_600_000;

const memberName = z.string().min(1).max(100);
const deliveryId = z.string().max(64);
/** Ids of deliveries or dead letters. */
export const idList = z.array(z.string()).min(1).max(MAX_IDS);
/** Pulls the next items. */
export const pullInput = z.strictObject({
  max: z.number().int().min(1).max(MAX_IDS).default(DEFAULT_MAX),
  wait_ms: z.number().int().min(0).max(MAX_WAIT_MS).default(0),
  member: memberName.optional(),
  holding: z
    .array(deliveryId)
    .max(2 * MAX_IDS)
    .optional(),
});
/** Names items to acknowledge. */
export const idsInput = z.strictObject({ ids: idList });
/** Extends leases; with a member, only of deliveries that it holds or that another member released. */
export const extendInput = z.strictObject({
  ids: idList,
  member: memberName.optional(),
  from: memberName.optional(),
});
/** Requests redelivery. */
export const nackInput = z.strictObject({
  ids: idList,
  delay_ms: z.number().int().min(0).max(MAX_DELAY_MS).default(0),
});

/** Extends leases; returns which of them a member has lost. */
export async function extend(
  group: FeedGroup,
  { ids, member, from }: z.output<typeof extendInput>,
): Promise<{ readonly extended: number; readonly lost?: readonly string[] }> {
  if (member === undefined) return { extended: await group.extend(ids) };
  const claimed = new Set(await group.claim(ids, member, from));
  return { extended: claimed.size, lost: ids.filter((id) => !claimed.has(id)) };
}

/**
 * Deliveries as a JSON array. Built by hand, because the events exist as text; in slices, because one pull can have
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
