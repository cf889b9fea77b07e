/**
 * Makes an app id a safe directory name: replaces `..`, `/`, `\` and NUL, and an empty id or `.`, by `_`. Two ids may
 * map to the same name.
 */
export function sanitizeAppId(appId: string): string {
  // Split and join instead of a regular expression, in which the linter rejects NUL.
  const name = ['..', '/', '\\', '\0'].reduce((id, unsafe) => id.split(unsafe).join('_'), appId);
  return name === '' || name === '.' ? '_' : name;
}
