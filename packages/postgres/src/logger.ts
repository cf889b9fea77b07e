/** The part of a structured logger (pino's form) that this package speaks to. */
export interface PostgresLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Says nothing. */
export const silentLogger: PostgresLogger = { info() {}, warn() {}, error() {} };
