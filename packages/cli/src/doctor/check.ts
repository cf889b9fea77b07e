/** Result of a check. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** Suggested fix; null if none is needed. */
  readonly hint: string | null;
}

/** Passed. */
export function ok(name: string, message: string): Check {
  return { name, status: 'ok', message, hint: null };
}

/** Works with a limitation. */
export function warn(name: string, message: string, hint: string): Check {
  return { name, status: 'warn', message, hint };
}

/** Failed. */
export function fail(name: string, message: string, hint: string): Check {
  return { name, status: 'fail', message, hint };
}
