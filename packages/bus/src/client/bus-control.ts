import { defined } from '@weir/base';
import type { BusDirectory } from '../directory/bus-directory.js';
import type { Message, StatusResponse } from '../protocol/index.js';
import { BusConnection } from './bus-connection.js';

/** Timeout for the reply of a bus. */
const ANSWER_MS = 2_000;

/** The reply to a shutdown request. */
export interface ShutdownAnswer {
  readonly isEnding: boolean;
  /** Why the bus refused to stop. */
  readonly message?: string;
}

/** Queries the status of this user's buses and stops them. */
export class BusControl {
  readonly #version: string;

  /** @param version the Weir release of this process. */
  constructor(version: string) {
    this.#version = version;
  }

  /** Status of a directory's bus; undefined if no bus replies in time. */
  async status(directory: BusDirectory): Promise<StatusResponse | undefined> {
    return await this.#ask(directory, { type: 'status_query' }, (message) =>
      message.type === 'status_response' ? message : undefined,
    );
  }

  /** Stops a bus; `force` stops it even if it has consumers. Undefined if no bus replies in time. */
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
