/** Logs when one of the server's logs becomes unwritable, once at the start and once at the end of that state. */

import type { Logger } from '@weir/base';
import { periodically } from '@weir/base/node';
import type { Log } from '@weir/log';

const LOOK_MS = 1_000;

/** Watches the logs of a server. */
export class LogWatch {
  readonly #logs: Readonly<Record<string, Log>>;
  readonly #logger: Logger;
  readonly #troubled = new Set<string>();
  readonly #end: () => void;

  /** @param logs by their content */
  constructor(logs: Readonly<Record<string, Log>>, logger: Logger) {
    this.#logs = logs;
    this.#logger = logger;
    this.#end = periodically(() => this.#lookAtAll(), LOOK_MS);
  }

  close(): void {
    this.#end();
  }

  async #lookAtAll(): Promise<void> {
    for (const [name, log] of Object.entries(this.#logs)) await this.#look(name, log);
  }

  async #look(name: string, log: Log): Promise<void> {
    // The shutdown reports a closing log itself.
    const size = await log.size().catch(() => null);
    if (size === null) return;
    const { writable, failure, bytes, maxBytes } = size;
    if (writable === !this.#troubled.has(name)) return;
    const facts = { log: name, bytes, max_bytes: maxBytes };
    if (writable) {
      this.#troubled.delete(name);
      this.#logger.warn(facts, 'the log can be written again');
      return;
    }
    this.#troubled.add(name);
    if (failure !== null)
      this.#logger.error(
        { ...facts, reason: failure },
        'the log cannot be written: requests that write to it fail',
      );
    else if (bytes >= maxBytes)
      this.#logger.warn(facts, 'the log has reached its limit: requests that write to it get 503');
    else this.#logger.warn(facts, 'the disk of the log is full: requests that write to it get 503');
  }
}
