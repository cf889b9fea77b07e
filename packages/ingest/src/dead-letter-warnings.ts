import type { Logger } from '@weir/base';

/** Numbers of events in dead letters that cause a warning, once on each rise. */
const LEVELS = [100, 10_000];

/** Logs a warning when dead letters accumulate, for operators that watch no metrics. */
export class DeadLetterWarnings {
  readonly #logger: Logger;
  /** Number of exceeded levels. */
  #passed = 0;
  #hasQuarantined = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Reports the current number of events. */
  look({ depth, quarantined }: { readonly depth: number; readonly quarantined: number }): void {
    const passed = LEVELS.filter((level) => depth >= level).length;
    const level = LEVELS[passed - 1];
    if (passed > this.#passed && level !== undefined) {
      this.#logger.warn(
        { events: depth },
        `dead letters: ${level} events or more wait for ClickHouse; "weir dlq ls" shows why`,
      );
    }
    // A level is reset below half of it, so that a count that moves around it warns once.
    if (depth < (LEVELS[this.#passed - 1] ?? 0) / 2 || passed > this.#passed) this.#passed = passed;
    if (quarantined > 0 && !this.#hasQuarantined) {
      this.#logger.warn(
        { events: quarantined },
        'dead letters: events are quarantined and not tried again; "weir dlq ls" shows why',
      );
    }
    this.#hasQuarantined = quarantined > 0;
  }
}
