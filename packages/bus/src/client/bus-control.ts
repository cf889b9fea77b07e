import { defined } from '@weir/base';
import type { BusDirectory } from '../directory/bus-directory.js';
import type { Message, StatusResponse } from '../protocol/index.js';
import { BusConnection } from './bus-connection.js';

/** How long a bus may take to answer. */
const ANSWER_MS = 2_000;

/** What came of asking a bus to end. */
export interface ShutdownAnswer {
  readonly isEnding: boolean;
  /** Why not. */
  readonly message?: string;
}

/** Asks the buses of this user how they are, and ends them. */
export class BusControl {
  readonly #version: string;

  /** @param version this release. */
  constructor(version: string) {
    this.#version = version;
  }

  /** How the bus of a directory is; undefined where none answers. */
  async status(directory: BusDirectory): Promise<StatusResponse | undefined> {
    return await this.#ask(directory, { type: 'status_query' }, (message) =>
      message.type === 'status_response' ? message : undefined,
    );
  }

  /** Ends it; `force` also when it has consumers. Undefined where none answers. */
  async shutdown(directory: BusDirectory, force: boolean): Promise<ShutdownAnswer | undefined> {
    return await this.#ask(directory, { type: 'shutdown', force }, (message) => {
      if (message.type !== 'bye') return undefined;
      const isEnding = message.reason !== 'error';
      return { isEnding, ...defined({ message: message.message }) };
    });
  }

  async #ask<T>(
    directory: BusDirectory,
    question: Message,
    answerIn: (message: Message) => T | undefined,
  ): Promise<T | undefined> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), ANSWER_MS);
    let bus: BusConnection | undefined;
    try {
      bus = await BusConnection.open(directory, { role: 'control', version: this.#version });
      bus.send(question);
      for (;;) {
        const message = await bus.receiveOne(controller.signal);
        if (message === undefined) return undefined;
        const answer = answerIn(message);
        if (answer !== undefined) return answer;
      }
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
      bus?.destroy();
    }
  }
}
