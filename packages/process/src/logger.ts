/** The part of a structured logger (pino's form) that this package speaks to. */
export interface ProcessLogger {
  warn(fields: object, message: string): void;
}
