/**
 * Receipts: where in the log a request's new events went, signed so that only their project can ask after them.
 *
 *     r1.<epoch>.<arrival ms>.<first>-<last>-<events>[.…].<signature>      numbers in base 36
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Log } from '@weir/log';

/** How long a receipt can be asked about, milliseconds. */
export const RECEIPT_RETENTION_MS = 7 * 24 * 3600 * 1000;

/** Consecutive entries of the ingest log that hold events of one request. */
export interface LogRange {
  readonly first: number;
  readonly last: number;
  readonly events: number;
}

/** What a receipt says. */
export interface ReceiptContents {
  readonly epoch: number;
  /** Arrival, epoch milliseconds. */
  readonly receivedAt: number;
  readonly ranges: readonly LogRange[];
}

const SIGNATURE_CHARS = 22;

/** Makes and reads receipts with a secret kept in the log, so that every node on it takes every other's. */
export class ReceiptSigner {
  readonly #secret: string;

  private constructor(secret: string) {
    this.#secret = secret;
  }

  /** Reads the log's secret, or makes it. */
  static async open(log: Log, stream: string): Promise<ReceiptSigner> {
    const cursor = log.cursor(stream, 'receipt-secret');
    const stored = await cursor.get();
    if (stored !== undefined) return new ReceiptSigner(Buffer.from(stored.state).toString('utf8'));
    const secret = randomBytes(32).toString('hex');
    await cursor.commit(0, Buffer.from(secret));
    return new ReceiptSigner(secret);
  }

  /** The receipt of a project for what `contents` says. */
  sign(projectId: string, contents: ReceiptContents): string {
    const ranges = contents.ranges.map(
      ({ first, last, events }) => `${first.toString(36)}-${last.toString(36)}-${events.toString(36)}`,
    );
    const text = ['r1', contents.epoch.toString(36), contents.receivedAt.toString(36), ...ranges].join('.');
    return `${text}.${this.#signature(projectId, text)}`;
  }

  /** What a receipt says, or null where it was not made for this project. */
  read(projectId: string, receipt: string): ReceiptContents | null {
    const end = receipt.lastIndexOf('.');
    const text = receipt.slice(0, Math.max(end, 0));
    const given = Buffer.from(receipt.slice(end + 1));
    const wanted = Buffer.from(this.#signature(projectId, text));
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null;
    const [, epoch = '', receivedAt = '', ...ranges] = text.split('.');
    return {
      epoch: Number.parseInt(epoch, 36),
      receivedAt: Number.parseInt(receivedAt, 36),
      ranges: ranges.map((range) => {
        const [first = '', last = '', events = ''] = range.split('-');
        return {
          first: Number.parseInt(first, 36),
          last: Number.parseInt(last, 36),
          events: Number.parseInt(events, 36),
        };
      }),
    };
  }

  #signature(projectId: string, text: string): string {
    return hash('sha256', `${this.#secret}/${projectId}/${text}`, 'base64url').slice(0, SIGNATURE_CHARS);
  }
}
