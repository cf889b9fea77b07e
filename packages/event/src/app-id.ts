/**
 * Makes an app id one safe name of a directory: `..`, `/`, `\` and NUL become `_`, and so does an id that is empty or
 * `.`. Two ids may become the same name.
 */
export function sanitizeAppId(appId: string): string {
  // Replaced by split and join: NUL in a regular expression is refused by the linter, and with reason.
  const name = ['..', '/', '\\', '\0'].reduce((id, unsafe) => id.split(unsafe).join('_'), appId);
  return name === '' || name === '.' ? '_' : name;
}
