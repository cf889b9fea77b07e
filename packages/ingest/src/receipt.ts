/**
 * Receipts: the places of a request's new events in the log, signed so that only their project can query them.
 *
 *     r2.<place>-<entries>-<events>[.…].<signature>      numbers in base 36
 *
 * A place is one AES block of epoch, arrival and offset: offsets count the entries of all projects, so in clear text
 * each project could watch the traffic of the others. Every block is different, because every offset is, so the cipher
 * needs no mode, which would cost a request ten times as much. Older receipts, of the form `r1`, have their numbers in
 * clear text.
 */
import { createCipheriv, createDecipheriv, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Log } from '@weir/log';

/** Lifetime of a receipt, milliseconds. */
export const RECEIPT_RETENTION_MS = 7 * 24 * 3600 * 1000;

/** Consecutive entries of the ingest log with events of one request. */
export interface LogRange {
  readonly first: number;
  readonly last: number;
  readonly events: number;
}

/** The contents of a receipt. */
export interface ReceiptContents {
  readonly epoch: number;
  /** Arrival, epoch milliseconds. */
  readonly receivedAt: number;
  readonly ranges: readonly LogRange[];
}

const SIGNATURE_CHARS = 22;

/** Creates and reads receipts with a secret stored in the log, so that every node on the log accepts all of them. */
export class ReceiptSigner {
  readonly #secret: string;
  readonly #places: PlaceCipher;

  private constructor(secret: string) {
    this.#secret = secret;
    this.#places = new PlaceCipher(hash('sha256', `${secret}/places`, 'buffer'));
  }

  /** Reads the log's secret, or creates it. */
  static async open(log: Log, stream: string): Promise<ReceiptSigner> {
    const cursor = log.cursor(stream, 'receipt-secret');
    const stored = await cursor.get();
    if (stored !== undefined) return new ReceiptSigner(Buffer.from(stored.state).toString('utf8'));
    const secret = randomBytes(32).toString('hex');
    await cursor.commit(0, Buffer.from(secret));
    return new ReceiptSigner(secret);
  }

  /** Creates the receipt of a project for `contents`. */
  sign(projectId: string, { epoch, receivedAt, ranges }: ReceiptContents): string {
    let text = 'r2';
    for (const { first, last, events } of ranges) {
      const place = this.#places.hide({ epoch, receivedAt, first });
      text += `.${place}-${(last - first + 1).toString(36)}-${events.toString(36)}`;
    }
    return `${text}.${this.#signature(projectId, text)}`;
  }

  /** The contents of a receipt; null if it was not issued to this project. */
  read(projectId: string, receipt: string): ReceiptContents | null {
    const end = receipt.lastIndexOf('.');
    const text = receipt.slice(0, Math.max(end, 0));
    const given = Buffer.from(receipt.slice(end + 1));
    const wanted = Buffer.from(this.#signature(projectId, text));
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null;
    const [form, ...parts] = text.split('.');
    return form === 'r1' ? contentsOfFirstForm(parts) : this.#contents(parts);
  }

  #contents(parts: readonly string[]): ReceiptContents {
    const ranges = parts.map((part) => {
      // The place is base64url, which may contain hyphens too.
      const place = this.#places.show(part.slice(0, PLACE_CHARS));
      const [entries, events] = numbersOf(part.slice(PLACE_CHARS + 1));
      return { ...place, last: place.first + entries - 1, events };
    });
    const [{ epoch, receivedAt } = { epoch: 0, receivedAt: 0 }] = ranges;
    return { epoch, receivedAt, ranges: ranges.map(({ first, last, events }) => ({ first, last, events })) };
  }

  #signature(projectId: string, text: string): string {
    return hash('sha256', `${this.#secret}/${projectId}/${text}`, 'base64url').slice(0, SIGNATURE_CHARS);
  }
}

function contentsOfFirstForm([epoch = '', receivedAt = '', ...ranges]: readonly string[]): ReceiptContents {
  return {
    epoch: Number.parseInt(epoch, 36),
    receivedAt: Number.parseInt(receivedAt, 36),
    ranges: ranges.map((range) => {
      const [first, last, events] = numbersOf(range);
      return { first, last, events };
    }),
  };
}

function numbersOf(text: string): [number, number, number] {
  const [one = 0, two = 0, three = 0] = text.split('-').map((digits) => Number.parseInt(digits, 36));
  return [one, two, three];
}

interface Place {
  readonly epoch: number;
  readonly receivedAt: number;
  readonly first: number;
}

/** Characters of a block in base64url. */
const PLACE_CHARS = 22;

/** Encrypts each place as one block: 4 bytes of epoch, 6 of arrival, 6 of offset. */
class PlaceCipher {
  readonly #cipher;
  readonly #decipher;
  readonly #block = Buffer.alloc(16);

  constructor(key: Buffer) {
    // ECB with whole blocks has no state, so one object serves all of them.
    this.#cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    this.#decipher = createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  }

  hide({ epoch, receivedAt, first }: Place): string {
    const block = this.#block;
    block.writeUInt32BE(epoch, 0);
    block.writeUIntBE(receivedAt, 4, 6);
    block.writeUIntBE(first, 10, 6);
    return this.#cipher.update(block).toString('base64url');
  }

  show(text: string): Place {
    const block = this.#decipher.update(Buffer.from(text, 'base64url'));
    return {
      epoch: block.readUInt32BE(0),
      receivedAt: block.readUIntBE(4, 6),
      first: block.readUIntBE(10, 6),
    };
  }
}
