/** The part of a structured logger (pino's form) that this package speaks to. */
export interface FeedLogger {
  warn(fields: object, message: string): void;
}
