import type { Sink, SinkLogger, UsageEvent } from '@weir/extension';
import { SYSTEM_TENANT } from '../admission/admission-gate.js';
import { documentOf } from '../records/document.js';

/**
 * Writes each record as one line of the server's log: message `usage`, its fields those of docs/usage.md, at level
 * `info` (tenant `_sys`: `debug`). Its `time` is called `ended_at` here, because a line of the log has a `time` of its
 * own. A record that comes again is written again.
 */
export class LogSink implements Sink {
  readonly name = 'log';
  readonly #logger: SinkLogger;
  #isClosed = false;
  #ignored = 0;

  constructor(logger: SinkLogger) {
    this.#logger = logger;
  }

  /** Records that came after `close`. */
  get ignored(): number {
    return this.#ignored;
  }

  writeEvent(event: UsageEvent): void {
    if (this.#isClosed) {
      this.#ignored += 1;
      return;
    }
    // Overwritten, not copied: this is done for every request.
    const line = Object.assign(documentOf(event), { time: undefined, ended_at: event.time });
    if (event.tenant === SYSTEM_TENANT) this.#logger.debug(line, 'usage');
    else this.#logger.info(line, 'usage');
  }

  close(): void {
    this.#isClosed = true;
  }
}
