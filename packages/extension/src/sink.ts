import type { UsageEvent } from './usage-event.js';

/**
 * Receives usage records. Each sink has its own cursor in the node's log, so a slow or failed one delays no request and
 * no other sink; unread records are retained within `WEIR_USAGE_RETENTION`.
 *
 * Every record is delivered at least once, in order of `seq`: after a crash or a failure some are redelivered, with the
 * same
 * `id` and `seq`.
 */
export interface Sink {
  /** The registered name, for the log and the metrics. */
  readonly name: string;
  /**
   * Receives a record. A promise resolves when the record is stored. Up to some thousand records are passed before the
   * first promise has resolved, so a sink may batch them and answer all with one promise. If it throws or rejects, the
   * record and all later ones are redelivered, with growing pauses.
   */
  writeEvent(event: UsageEvent): void | Promise<void>;
  /** Called once, at the end: stores buffered records. The signal aborts when the server no longer waits. */
  close(signal: AbortSignal): void | Promise<void>;
}

/** Creates a sink; an error prevents the server's start. The sink reads further settings from its own variables. */
export type SinkConstructor = (config: SinkConfig) => Sink | Promise<Sink>;

/** Facts about the node for a sink. */
export interface SinkConfig {
  /** New at each start of the node. */
  readonly epoch: string;
  /** The node's stable name. */
  readonly nodeId: string;
  /** Where a sink may store its own files. */
  readonly dataDir: string;
  /** The server's logger. */
  readonly logger: SinkLogger;
}

/** Writes lines of the server's log: fields, then a message. A pino logger satisfies it. */
export interface SinkLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
