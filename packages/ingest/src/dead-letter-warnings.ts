import type { Logger } from '@weir/base';

/** Events among the dead letters that are told of, once each way up. */
const LEVELS = [100, 10_000];

/** Warns in the log when dead letters gather, as an operator who looks at no metric would not notice. */
export class DeadLetterWarnings {
  readonly #logger: Logger;
  /** How many levels were passed. */
  #passed = 0;
  #hasQuarantined = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** There are so many events now. */
  look({ depth, quarantined }: { readonly depth: number; readonly quarantined: number }): void {
    const passed = LEVELS.filter((level) => depth >= level).length;
    const level = LEVELS[passed - 1];
    if (passed > this.#passed && level !== undefined) {
      this.#logger.warn(
        { events: depth },
        `dead letters: ${level} events or more wait for ClickHouse; "weir dlq ls" shows why`,
      );
    }
    // Half of a level away from it, so that a count that moves around it warns once.
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
