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

/** Attempts before the join fails. Each attempt either meets a bus that has just ended, or starts one. */
const TRIES = 8;
/** Consecutive failed starts before the join fails. */
const STARTS = 3;
const PAUSE_MS = 50;
/** How long an old bus may take to stop after it handed over to a newer release. */
const HANDOVER_MS = 10_000;
/**
 * Upper bound of the random delay before a consumer that lost its bus starts another. It gives a consumer of a newer
 * release time to start the bus first.
 */
const GRACE_MS = 1_500;

/** Joins the bus of a directory as a consumer, and starts the bus if necessary. */
export class Joiner {
  readonly #options: BusStreamOptions;
  readonly #limits: ClientLimits;
  /** Consecutive. */
  #failedStarts = 0;

  constructor(options: BusStreamOptions, limits: ClientLimits) {
    this.#options = options;
    this.#limits = limits;
  }

  /**
   * Returns a connection that delivers source states and events from now on; undefined once the signal has aborted.
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
    throw new ConsumeError(
      'internal',
      'bus_unreachable',
      'the consumer could not join a bus after several attempts',
      {
        hint: `See "weir event doctor" and ${this.#options.directory.logFile}.`,
      },
    );
  }

  /** Joins again after the bus was lost; first waits a random time, in case a newer release is about to start a bus. */
  async rejoin(introduction: Introduction, signal: AbortSignal): Promise<BusConnection | undefined> {
    const deadline = performance.now() + GRACE_MS * Math.random();
    while (!signal.aborted && performance.now() < deadline && !(await this.#answers())) {
      await pause(PAUSE_MS, signal);
    }
    return await this.join(introduction, signal);
  }

  /**
   * Connects to the bus and starts it if none is running. Undefined means: try again. Only repeated failures are
   * reported, because a bus that was killed during its start says nothing about the next start.
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

  /** Waits for the reply to hello; false means: try again. */
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
    // A bus that has just started may have a newer secret than the one read from the file.
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
