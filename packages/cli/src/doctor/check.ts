/** What a check found. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do about it; null where there is nothing to do. */
  readonly hint: string | null;
}

/** All is well. */
export function ok(name: string, message: string): Check {
  return { name, status: 'ok', message, hint: null };
}

/** Works, but not as it should. */
export function warn(name: string, message: string, hint: string): Check {
  return { name, status: 'warn', message, hint };
}

/** Does not work. */
export function fail(name: string, message: string, hint: string): Check {
  return { name, status: 'fail', message, hint };
}
