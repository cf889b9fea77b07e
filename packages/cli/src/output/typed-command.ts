/** Writes commands in hints so that the user can type them. */

/** A Weir command within a text. Prose capitalizes the name. */
const COMMAND = /(?<![\w./-]|npx )weir (?=[a-z-])/g;

/**
 * Replaces `weir …` by `npx weir …` if npx or an npm script started this process, because `weir` may not be on the
 * PATH.
 * @param env environment of the process; npm sets `npm_config_user_agent`
 */
export function asTyped(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return env.npm_config_user_agent === undefined ? text : text.replaceAll(COMMAND, 'npx weir ');
}
