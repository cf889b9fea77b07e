import type { Caller } from '../caller.js';
import type { MsgEntry, NewMessage } from '../message.js';
import type { Frame, Subscriber } from '../subscriber.js';

/** The submitter in tests. */
export const ANN: Caller = { credentialId: 'ann' };

/** Bob, as the executor of an attempt. */
export function bob(attempt = 1): Caller {
  return { credentialId: 'bob', assignment: { attempt } };
}

/** A message with a text payload. */
export function text(sequence: number, content = `m${sequence}`): NewMessage {
  return { sequence, payload: Buffer.from(content) };
}

/** The payload as text. */
export function textOf({ payload }: MsgEntry): string {
  return Buffer.from(payload).toString();
}

/** Reads a subscription until it has `count` entries or ends. */
export async function take(subscriber: Subscriber, count: number): Promise<MsgEntry[]> {
  const entries: MsgEntry[] = [];
  if (count === 0) return entries;
  for await (const frame of subscriber) {
    if (frame.type === 'entries') entries.push(...frame.entries);
    if (entries.length >= count) break;
  }
  return entries;
}

/** Reads a subscription to its end. */
export async function frames(subscriber: Subscriber): Promise<Frame[]> {
  const all: Frame[] = [];
  for await (const frame of subscriber) all.push(frame);
  return all;
}
