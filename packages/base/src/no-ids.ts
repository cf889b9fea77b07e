/**
 * Texts that clients send in place of an id, in lower case. As an id, each would merge strangers into one person, or
 * make different events duplicates. PostHog rejects the same: https://posthog.com/docs/data/ingestion-warnings.
 */
export const NO_IDS: ReadonlySet<string> = new Set([
  '',
  '0',
  '[object object]',
  'anonymous',
  'distinct_id',
  'distinctid',
  'email',
  'false',
  'guest',
  'id',
  'nan',
  'nil',
  'none',
  'not_authenticated',
  'null',
  'true',
  'undefined',
]);
