/** The scopes of an API key, one for each surface; `admin` covers the project's own tokens, dead letters and data. */
export const SCOPES = ['query', 'feed', 'process', 'channel', 'admin'] as const;

/** One of {@link SCOPES}. */
export type Scope = (typeof SCOPES)[number];

/** Whether `text` is a scope. */
export function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}
