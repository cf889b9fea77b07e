import type { CapacityUse } from './capacity.js';
import type { EventEntry, EventProperties, TableEntry } from './catalog-types.js';
import type { MeterOptions } from './engine-meter.js';
import type {
  Answer,
  AskOptions,
  NewestOptions,
  Question,
  StreamedAnswer,
  StreamFormat,
  StreamOptions,
} from './question.js';

/**
 * Answers queries about one project. Every method throws {@link QueryError}. The meter in the options is notified of
 * each statement that a call sends to the engine; a cached answer sends none, and requests to the parser do not count.
 */
export interface QueryService {
  /** The running and waiting queries of all projects. */
  readonly use: CapacityUse;

  /** Returns a complete answer; truncated, and marked so, if it exceeds the limits. */
  ask(projectId: string, question: Question, options?: AskOptions): Promise<Answer>;

  /** Returns an answer as a stream in a chosen format. */
  stream(
    projectId: string,
    question: Question,
    format: StreamFormat,
    options?: StreamOptions,
  ): Promise<StreamedAnswer>;

  /** The public tables. */
  tables(): readonly TableEntry[];

  /** The project's event names, most frequent first, at most 1,000; at most a minute old. */
  events(projectId: string, options?: MeterOptions): Promise<readonly EventEntry[]>;

  /** One event name with its property keys; null if the project has no such event. At most a minute old. */
  describeEvent(projectId: string, event: string, options?: MeterOptions): Promise<EventProperties | null>;

  /** All event names with the property keys of the newest events. At most a minute old. */
  describeEvents(projectId: string, options?: MeterOptions): Promise<readonly EventProperties[]>;

  /** The newest events by timestamp (except those dated more than an hour ahead), newest first. */
  newest(projectId: string, options?: NewestOptions): Promise<Answer>;
}
