import { pause } from '@weir/base';
import { ConsumeError } from '@weir/event/source';
import { isLocked } from '../directory/file-lock.js';
import type { HelloAck, Message } from '../protocol/index.js';
import { ProtocolError } from '../protocol/index.js';
import { TransportError } from '../transport/index.js';
import { BusConnection, connectTo, type Introduction } from './bus-connection.js';
import type { BusStreamOptions } from './bus-stream.js';
import type { ClientLimits } from './client-limits.js';
import { setUp } from './lease-hooks.js';
import { refusalError } from './refusals.js';
import { orphaned, startBus } from './start-bus.js';

/** Tries until a bus is taken for broken: each finds one that has just ended, or starts one. */
const TRIES = 8;
/** Starts that may fail in a row. */
const STARTS = 3;
const PAUSE_MS = 50;
/** How long a bus may take to end when another is to take its place. */
const HANDOVER_MS = 10_000;
/** How long who has lost its bus waits for somebody else to start one: a newer release, where there is one. */
const GRACE_MS = 1_500;

/** Finds the bus of a directory, or starts it, and becomes its consumer. */
export class Joiner {
  readonly #options: BusStreamOptions;
  readonly #limits: ClientLimits;
  /** In a row. */
  #failedStarts = 0;

  constructor(options: BusStreamOptions, limits: ClientLimits) {
    this.#options = options;
    this.#limits = limits;
  }

  /**
   * A connection whose next messages are the source's state and events; undefined once the signal has aborted.
   *
   * @throws ConsumeError
   */
  async join(introduction: Introduction, signal: AbortSignal): Promise<BusConnection | undefined> {
    for (let tries = 0; tries < TRIES && !signal.aborted; tries += 1) {
      const bus = await this.#connect(introduction);
      if (bus === undefined) {
        await pause(PAUSE_MS * tries, signal);
        continue;
      }
      const isTaken = await this.#introduce(bus, signal).catch((error: unknown) => {
        bus.destroy();
        throw error;
      });
      this.#failedStarts = 0;
      if (isTaken) return bus;
      bus.destroy();
    }
    if (signal.aborted) return undefined;
    throw new ConsumeError('internal', 'bus_unreachable', 'no bus takes this consumer', {
      hint: `See "weir event doctor" and ${this.#options.directory.logFile}.`,
    });
  }

  /** The same for one whose bus is gone: somebody with a newer release may be about to start another. */
  async comeBack(introduction: Introduction, signal: AbortSignal): Promise<BusConnection | undefined> {
    const deadline = performance.now() + GRACE_MS * Math.random();
    while (!signal.aborted && performance.now() < deadline && !(await this.#answers())) {
      await pause(PAUSE_MS, signal);
    }
    return await this.join(introduction, signal);
  }

  /**
   * A connection to the bus, which is started if there is none; undefined where another try is needed: one that was
   * killed while it started says nothing of the next.
   */
  async #connect(introduction: Introduction): Promise<BusConnection | undefined> {
    const { directory, command } = this.#options;
    try {
      return await BusConnection.open(directory, introduction);
    } catch (error) {
      if (!(error instanceof TransportError) || !error.retryable) throw asConsumeError(error);
      if (error.code === 'busy') return undefined;
    }
    try {
      await startBus(directory, command, () => this.#answers());
    } catch (error) {
      this.#failedStarts += 1;
      if (this.#failedStarts >= STARTS) throw asConsumeError(error);
    }
    return undefined;
  }

  /** Waits for the answer to hello; false where another try is needed. */
  async #introduce(bus: BusConnection, signal: AbortSignal): Promise<boolean> {
    const { answerMs, hookMs } = this.#limits;
    const askedAt = performance.now();
    const answer = await bus.receiveOne(signal, answerMs).catch((error: unknown) => {
      throw asConsumeError(error);
    });
    if (answer === undefined && !signal.aborted && performance.now() - askedAt >= answerMs) {
      throw orphaned(this.#options.directory);
    }
    if (answer === undefined) return false;
    if (answer.type !== 'hello_ack') throw unexpected(answer);
    if (!answer.ok) return await this.#refused(answer);
    if (answer.pre_consume) await setUp(this.#options.prepared, bus, hookMs);
    return true;
  }

  async #refused(refusal: Extract<HelloAck, { ok: false }>): Promise<false> {
    // One that has just started has another secret than the file had a moment ago.
    if (refusal.code === 'secret') {
      await pause(PAUSE_MS);
      return false;
    }
    if (refusal.code !== 'handover') throw refusalError(refusal);
    const deadline = performance.now() + HANDOVER_MS;
    while ((await isLocked(this.#options.directory.aliveLock)) && performance.now() < deadline) {
      await pause(PAUSE_MS);
    }
    return false;
  }

  async #answers(): Promise<boolean> {
    try {
      (await connectTo(this.#options.directory)).destroy();
      return true;
    } catch {
      return false;
    }
  }
}

function unexpected(message: Message): ConsumeError {
  return new ConsumeError('internal', 'bus_protocol', `the bus answers hello with ${message.type}`);
}

function asConsumeError(error: unknown): ConsumeError {
  if (error instanceof TransportError) {
    const hint = 'WEIR_HOME names another directory for the bus.';
    return new ConsumeError('internal', `bus_${error.code}`, error.message, { hint, cause: error });
  }
  if (error instanceof ProtocolError) {
    const hint = 'Stop it with "weir event stop --force" and consume again.';
    return new ConsumeError('internal', 'bus_protocol', error.message, { hint, cause: error });
  }
  return ConsumeError.from(error);
}
