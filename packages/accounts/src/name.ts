import { AccountsError } from './accounts-error.js';

const MAX_LENGTH = 200;

/** Normalises a name: trimmed, 1 to 200 characters without control characters. Throws `invalid_request`. */
export function parseName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > MAX_LENGTH || /\p{Cc}/u.test(trimmed)) {
    throw new AccountsError(
      'invalid_request',
      `A name has 1 to ${MAX_LENGTH} characters and no control characters`,
    );
  }
  return trimmed;
}
