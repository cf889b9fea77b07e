/** Items whose documents are created at publication: a time, a name for filters, and one line of JSON. */
import type { FeedEvent } from './event-document.js';

const TIME_BYTES = 8;
const HEAD_BYTES = TIME_BYTES + 2;
/** The length of a name takes two bytes. */
const MAX_NAME_BYTES = 0xffff;

/**
 * Encodes the item of a document.
 * @param time epoch milliseconds
 * @param name for filters; truncated to 65,535 bytes
 * @param text one line of JSON
 */
export function documentItem(time: number, name: string, text: string): Buffer {
  const nameBytes = Buffer.from(name).subarray(0, MAX_NAME_BYTES);
  const item = Buffer.allocUnsafe(HEAD_BYTES + nameBytes.length + Buffer.byteLength(text));
  item.writeDoubleLE(time, 0);
  item.writeUInt16LE(nameBytes.length, TIME_BYTES);
  nameBytes.copy(item, HEAD_BYTES);
  item.write(text, HEAD_BYTES + nameBytes.length);
  return item;
}

/** The time of an item, epoch milliseconds. */
export function timeOfItem(item: Buffer): number {
  return item.readDoubleLE(0);
}

/** The name of an item, for filters. */
export function nameOfItem(item: Buffer): string {
  return item.toString('utf8', HEAD_BYTES, textAt(item));
}

/** The document of an item. */
export function documentOfItem(item: Buffer): FeedEvent {
  return { event: nameOfItem(item), text: item.toString('utf8', textAt(item)) };
}

/** The process id in the document of an item. */
export function processOfItem(item: Buffer): string {
  // The cast holds: such documents have an id.
  return (JSON.parse(documentOfItem(item).text) as { readonly id: string }).id;
}

function textAt(item: Buffer): number {
  return HEAD_BYTES + item.readUInt16LE(TIME_BYTES);
}
