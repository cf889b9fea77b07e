import type { EventEntry, EventProperties, TableEntry } from './catalog-types.js';
import type { Answer, AskOptions, Question, StreamedAnswer, StreamFormat } from './question.js';

/** Answers questions about one project at a time. Every method throws {@link QueryError}. */
export interface QueryService {
  /** Answers in one piece; cut off, and said to be, where there is more than may be given. */
  ask(projectId: string, question: Question, options?: AskOptions): Promise<Answer>;

  /** Answers as a stream in a format of its own. */
  stream(
    projectId: string,
    question: Question,
    format: StreamFormat,
    options?: { readonly signal?: AbortSignal },
  ): Promise<StreamedAnswer>;

  /** The public tables. */
  tables(): readonly TableEntry[];

  /** The project's event names, the most frequent first, at most 1,000; at most a minute old. */
  events(projectId: string): Promise<readonly EventEntry[]>;

  /** One event name with its property keys; null where the project has no such event. At most a minute old. */
  describeEvent(projectId: string, event: string): Promise<EventProperties | null>;

  /** All event names with the property keys seen in the newest events. At most a minute old. */
  describeEvents(projectId: string): Promise<readonly EventProperties[]>;

  /** The newest events by timestamp (those dated more than an hour ahead aside), newest first: at most `limit` (default 20, at most 100), of one name where given. */
  newest(
    projectId: string,
    options?: { readonly event?: string; readonly limit?: number; readonly signal?: AbortSignal },
  ): Promise<Answer>;
}
