/** The part of a structured logger (pino's form) that this package speaks to. */
export interface AccountsLogger {
  warn(fields: object, message: string): void;
}

/** Says nothing. */
export const silentLogger: AccountsLogger = { warn() {} };
