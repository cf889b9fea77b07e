import type { UsageEvent } from './usage-event.js';

/**
 * Takes usage records. Each sink has a place of its own in the node's log, so a slow or dead one delays no request and no
 * other sink; what it has not taken waits for it within `WEIR_USAGE_RETENTION`.
 *
 * Every record is delivered at least once, in order of `seq`: after a crash or a failure some come again, with the same
 * `id` and `seq`.
 */
export interface Sink {
  /** As registered: for the log and the metrics. */
  readonly name: string;
  /**
   * Takes a record. A promise resolves when the record is kept; up to some thousand records are given before the first has
   * resolved, so a sink may gather them and answer all with one promise. Throwing or rejecting means "not kept": the
   * record and those after it come again, later and later.
   */
  writeEvent(event: UsageEvent): void | Promise<void>;
  /** Called once, at the end: keeps what was given. The signal aborts when nobody waits any longer. */
  close(signal: AbortSignal): void | Promise<void>;
}

/** Makes a sink; throwing stops the server's start. What it needs besides, it reads from variables of its own. */
export type SinkConstructor = (config: SinkConfig) => Sink | Promise<Sink>;

/** What a sink may need of the node. */
export interface SinkConfig {
  /** Fresh at each start of the node. */
  readonly epoch: string;
  /** The node's stable name. */
  readonly nodeId: string;
  /** Where a sink may keep files of its own. */
  readonly dataDir: string;
  /** The server's logger. */
  readonly logger: SinkLogger;
}

/** Writes lines of the server's log: fields, then a message. A pino logger is one. */
export interface SinkLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
