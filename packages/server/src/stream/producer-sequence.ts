/**
 * Maps batches of a producer to sequences of a channel sender, in which every message has its own number. While batches
 * have one message each, in epoch 0, `Producer-Seq` is the sequence. From the first batch with several messages or a
 * later epoch, sequences are packed above 2^52: epoch, `Producer-Seq`, position in the batch. So later batches have
 * higher sequences, and the sender's last sequence determines the producer's place; no other state is stored.
 */
import { ChannelError } from '@weir/channel';
import { type Producer, producerFenced, producerGap, StreamError } from '@weir/channel/stream';

/** The place of a producer. */
export type ProducerPlace = Pick<Producer, 'epoch' | 'seq'>;

const PACKED = 2 ** 52;
const MAX_MESSAGES = 2 ** 14;
const MAX_BATCHES = 2 ** 28;
const MAX_EPOCHS = 2 ** 10;

/** The producer's place for the last sequence of its sender; null before the first. */
export function placeAt(sequence: number | null): ProducerPlace | null {
  if (sequence === null) return null;
  if (sequence < PACKED) return { epoch: 0, seq: sequence };
  const batch = Math.floor((sequence - PACKED) / MAX_MESSAGES);
  return { epoch: Math.floor(batch / MAX_BATCHES), seq: batch % MAX_BATCHES };
}

/**
 * Whether a batch is already stored, by the rules of the protocol (section 5.2.1).
 * @throws StreamError `producer_fenced`, `producer_gap`, `invalid_producer` if it is neither a duplicate nor the next
 *   batch
 */
export function isStored(place: ProducerPlace | null, { epoch, seq }: ProducerPlace): boolean {
  if (place !== null && epoch < place.epoch) {
    throw producerFenced('this sender', place.epoch);
  }
  if (place !== null && epoch > place.epoch) {
    if (seq === 0) return false;
    throw new StreamError('invalid_producer', `epoch ${epoch} must start with 0`, {
      hint: 'start each epoch with Producer-Seq: 0',
    });
  }
  const expectedSeq = place === null ? 0 : place.seq + 1;
  if (seq <= expectedSeq) return seq < expectedSeq;
  throw producerGap('this sender', expectedSeq, seq);
}

/**
 * The sequence of a new batch's first message; the others follow it.
 * @param last the last sequence of the sender
 * @throws StreamError `invalid_producer`; ChannelError `message_too_large`
 */
export function nextSequence(last: number | null, producer: ProducerPlace, count: number): number {
  const isPlain = producer.epoch === 0 && count === 1 && (last ?? 0) < PACKED;
  return isPlain ? producer.seq : packed(producer, count);
}

/** The possible sequences of the first message of a stored batch; empty if it cannot be this batch. */
export function storedSequences(last: number, producer: ProducerPlace, count: number): number[] {
  const plain = producer.epoch === 0 && count === 1 ? [producer.seq] : [];
  if (last < PACKED) return plain;
  const first = packed(producer, count);
  // A batch longer than the stored one must not match, because its rest would be appended.
  return first + count - 1 <= last ? [...plain, first] : plain;
}

function packed({ epoch, seq }: ProducerPlace, count: number): number {
  if (epoch >= MAX_EPOCHS || seq >= MAX_BATCHES) {
    throw new StreamError(
      'invalid_producer',
      `an epoch has at most ${MAX_BATCHES} batches, and a sender ${MAX_EPOCHS} epochs`,
      { hint: 'use the next epoch, or another channel' },
    );
  }
  if (count > MAX_MESSAGES) {
    throw new ChannelError(
      'message_too_large',
      `a batch of a producer has at most ${MAX_MESSAGES} messages`,
      {
        limit: MAX_MESSAGES,
      },
    );
  }
  return PACKED + (epoch * MAX_BATCHES + seq) * MAX_MESSAGES;
}
