/** Commands in hints and examples as the user can type them. */

/** A command of Weir within a text. Prose writes the name with a capital. */
const COMMAND = /(?<![\w./-]|npx )weir (?=[a-z-])/g;

/**
 * Writes `weir …` as `npx weir …` where this process was started by npx or an npm script: there may be no `weir` on the PATH.
 * @param env of the process; npm sets `npm_config_user_agent`
 */
export function asTyped(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return env.npm_config_user_agent === undefined ? text : text.replaceAll(COMMAND, 'npx weir ');
}
