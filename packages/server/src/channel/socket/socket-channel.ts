import {
  type Appended,
  type Caller,
  type ChannelEnd,
  channelId,
  type NewMessage,
  Pipeline,
} from '@weir/channel';
import type { Processes, Who } from '@weir/channel/process';
import type { RequestRecord } from '@weir/usage';
import type { ProjectPlaces } from '../../admission/project-places.js';
import { Problem } from '../../http/problem.js';
import type { Outbox } from '../../http/socket/outbox.js';
import type { ChannelUser } from '../channel-access.js';
import { stillReads } from '../still-reads.js';
import type { AppendWindow } from './append-window.js';
import type { About, OpenFrame } from './control-frames.js';
import { Credit } from './credit.js';
import { Reading } from './reading.js';

/** Dependencies of a {@link SocketChannel}. */
export interface SocketChannelParts {
  readonly user: ChannelUser;
  readonly processes: Processes;
  /** Each reading takes one place. */
  readonly subscribers: ProjectPlaces;
  readonly outbox: Outbox;
  readonly window: AppendWindow;
  readonly usage: RequestRecord | undefined;
  /** Sends an `error` frame. */
  readonly refuse: (about: About, error: unknown) => void;
}

/** An append for the router. */
export interface Handed {
  readonly sequence: number;
  readonly messages: readonly NewMessage[];
  /** Size of its frame. */
  readonly bytes: number;
}

interface Entered {
  readonly id: string;
  readonly caller: Caller;
}

/** One channel of a connection, identified by the client's number: read with credit, and written to. */
export class SocketChannel {
  readonly #ch: number;
  readonly #frame: OpenFrame;
  readonly #processId: string;
  readonly #who: Who;
  readonly #parts: SocketChannelParts;
  readonly #onClosed: () => void;
  readonly #credit: Credit;
  readonly #pipeline = new Pipeline();
  readonly #opening: Promise<Entered>;
  #entered: Entered | null = null;
  #reading: Reading | null = null;
  #inFlight = 0;
  #whenAnswered: () => void = () => {};
  /** Set once frames for it are no longer accepted. */
  #leaving: Promise<void> | null = null;

  /** @param onClosed called after the client was notified of the end */
  constructor(frame: OpenFrame, parts: SocketChannelParts, onClosed: () => void) {
    this.#ch = frame.ch;
    this.#frame = frame;
    this.#processId = frame.process.toLowerCase();
    this.#who = { credentialId: parts.user.keyId, assignment: frame.assignment };
    this.#parts = parts;
    this.#onClosed = onClosed;
    this.#credit = new Credit(frame.credit);
    this.#opening = this.#enter();
  }

  /** Whether the client has closed it, or was notified of its end. */
  get isLeaving(): boolean {
    return this.#leaving !== null;
  }

  /** Resolves when the channel is open and the client has the answer. @throws ChannelError, ProcessError */
  async opened(): Promise<void> {
    await this.#opening;
  }

  credit(bytes: number): void {
    this.#credit.add(bytes);
  }

  /** Starts to read after an index. @throws Problem `already_reading`, and as {@link opened} */
  async read(after: number): Promise<void> {
    const entered = await this.#opening;
    if (this.#reading !== null) {
      throw new Problem('already_reading', `channel ${this.#ch} is being read`, {
        hint: 'read again after the error that ends the reading, or open the channel under another number',
      });
    }
    if (this.#leaving !== null) return;
    const release = this.#parts.subscribers.take(this.#parts.user.projectId);
    this.#parts.outbox.answer({ op: 'reading', ch: this.#ch });
    this.#read(after, entered, release);
  }

  /** Appends messages in call order; answers when they are stored or refused. */
  append(handed: Handed): void {
    if (this.#leaving !== null) return;
    this.#inFlight += 1;
    this.#parts.window.enter(handed.bytes);
    const entered = this.#entered;
    const stored =
      entered === null ? this.#opening.then((late) => this.#hand(late, handed)) : this.#hand(entered, handed);
    // Neither handler throws: each sends a frame, and an ended connection ignores it without an error.
    void stored
      .then(
        (places) => this.#appended(handed, places),
        (error: unknown) =>
          this.#parts.refuse({ ch: this.#ch, of: 'append', sequence: handed.sequence }, error),
      )
      .then(() => this.#answered(handed));
  }

  /** Closes the channel for its client; resolves when no more frames follow. */
  async close(): Promise<void> {
    this.#leaving ??= this.#drain();
    this.end();
    await this.#leaving;
  }

  /** The connection has ended: start no further work, even if the channel is still being opened. */
  end(): void {
    this.#leaving ??= Promise.resolve();
    this.#reading?.stop();
  }

  /** Ends the reading of a caller that lost the right. */
  async recheck(): Promise<void> {
    if (this.#reading === null) return;
    const { user, processes } = this.#parts;
    if (await stillReads(processes, user.projectId, this.#processId, this.#who)) return;
    this.#reading?.stop(
      new Problem('forbidden', 'the API key may no longer read this process', {
        hint: 'ask its submitter to add the key to the observers again',
      }),
    );
  }

  async #enter(): Promise<Entered> {
    const { user, processes, outbox } = this.#parts;
    const { channel, read, after } = this.#frame;
    const caller = await processes.enter(user.projectId, this.#processId, this.#who);
    const id = channelId(this.#processId, channel);
    const view = await processes.router.inspect(id, caller);
    const entered = { id, caller };
    this.#entered = entered;
    const { sequence, lastIndex: last_index, role, payloadBytes: max_payload, channel: found } = view;
    const { attempt } = found;
    outbox.answer({ op: 'opened', ch: this.#ch, sequence, last_index, role, attempt, max_payload });
    if (read && this.#leaving === null) this.#readAtOnce(after, entered);
    return entered;
  }

  #hand({ id, caller }: Entered, { messages }: Handed): Promise<Appended[]> {
    return this.#parts.processes.router.appendBatch(id, caller, messages, this.#pipeline);
  }

  /** Starts the reading that the open frame requested. Without a free place for it, the channel stays open. */
  #readAtOnce(after: number, entered: Entered): void {
    const { subscribers, user, refuse } = this.#parts;
    try {
      this.#read(after, entered, subscribers.take(user.projectId));
    } catch (error) {
      refuse({ ch: this.#ch, of: 'reading' }, error);
    }
  }

  #read(after: number, { id, caller }: Entered, release: () => void): void {
    const { processes, outbox, usage, refuse, user } = this.#parts;
    const { router } = processes;
    const owner = user.projectId;
    const credit = this.#credit;
    const reading = new Reading(after, { ch: this.#ch, router, id, caller, owner, outbox, credit, usage });
    this.#reading = reading;
    reading
      .run()
      .finally(release)
      .then(
        (end) => {
          this.#reading = null;
          if (end !== null) this.#closed(end);
        },
        (error: unknown) => {
          this.#reading = null;
          if (this.#leaving === null) refuse({ ch: this.#ch, of: 'reading' }, error);
        },
      );
  }

  /** Notifies the client of the end, after all earlier appends are answered. */
  #closed({ reason, lastIndex }: ChannelEnd): void {
    this.#leaving ??= this.#drain().then(() => {
      this.#parts.outbox.answer({ op: 'closed', ch: this.#ch, reason, last_index: lastIndex });
      this.#onClosed();
    });
  }

  #appended({ sequence, messages }: Handed, places: readonly Appended[]): void {
    const { outbox, usage } = this.#parts;
    const { index, timestamp } = places[0] ?? { index: 0, timestamp: 0 };
    const count = places.length;
    const isDense = places.every((place, i) => place.index === index + i);
    const indexes = isDense ? '' : `,"indexes":[${places.map((place) => place.index).join(',')}]`;
    outbox.answer(
      `{"op":"appended","ch":${this.#ch},"sequence":${sequence},"index":${index},"timestamp":${timestamp},"count":${count}${indexes}}`,
    );
    let bytes = 0;
    for (const { payload } of messages) bytes += payload.byteLength;
    usage?.messages(count, bytes);
  }

  #answered({ bytes }: Handed): void {
    this.#inFlight -= 1;
    this.#parts.window.leave(bytes);
    if (this.#inFlight === 0) this.#whenAnswered();
  }

  /** Resolves when the opening has succeeded or failed, and no append is unanswered. */
  async #drain(): Promise<void> {
    await this.#opening.catch(() => {});
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenAnswered = resolve;
    });
  }
}
