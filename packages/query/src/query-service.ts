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
 * Answers questions about one project at a time. Every method throws {@link QueryError}. A meter among the options is
 * told of each statement that is sent to the engine for the call; an answer from memory sends none, and what the
 * engine's parser is asked is none.
 */
export interface QueryService {
  /** How many questions of all projects run and wait now. */
  readonly use: CapacityUse;

  /** Answers in one piece; cut off, and said to be, where there is more than may be given. */
  ask(projectId: string, question: Question, options?: AskOptions): Promise<Answer>;

  /** Answers as a stream in a format of its own. */
  stream(
    projectId: string,
    question: Question,
    format: StreamFormat,
    options?: StreamOptions,
  ): Promise<StreamedAnswer>;

  /** The public tables. */
  tables(): readonly TableEntry[];

  /** The project's event names, the most frequent first, at most 1,000; at most a minute old. */
  events(projectId: string, options?: MeterOptions): Promise<readonly EventEntry[]>;

  /** One event name with its property keys; null where the project has no such event. At most a minute old. */
  describeEvent(projectId: string, event: string, options?: MeterOptions): Promise<EventProperties | null>;

  /** All event names with the property keys seen in the newest events. At most a minute old. */
  describeEvents(projectId: string, options?: MeterOptions): Promise<readonly EventProperties[]>;

  /** The newest events by timestamp (those dated more than an hour ahead aside), newest first. */
  newest(projectId: string, options?: NewestOptions): Promise<Answer>;
}
