import type { Sink, SinkLogger, UsageEvent } from '@weir/extension';
import { SYSTEM_TENANT } from '../admission/admission-gate.js';
import { documentOf } from '../records/document.js';

/**
 * Writes each record as one line of the server's log: message `usage`, fields as in docs/usage.md, at level
 * `info` (tenant `_sys`: `debug`). Its `time` is named `ended_at` here, because a log line has its own `time`. A
 * redelivered record is written again.
 */
export class LogSink implements Sink {
  readonly name = 'log';
  readonly #logger: SinkLogger;
  #isClosed = false;
  #ignored = 0;

  constructor(logger: SinkLogger) {
    this.#logger = logger;
  }

  /** Records that arrived after `close`. */
  get ignored(): number {
    return this.#ignored;
  }

  writeEvent(event: UsageEvent): void {
    if (this.#isClosed) {
      this.#ignored += 1;
      return;
    }
    // Modified in place instead of copied, because this runs for every request.
    const line = Object.assign(documentOf(event), { time: undefined, ended_at: event.time });
    if (event.tenant === SYSTEM_TENANT) this.#logger.debug(line, 'usage');
    else this.#logger.info(line, 'usage');
  }

  close(): void {
    this.#isClosed = true;
  }
}
