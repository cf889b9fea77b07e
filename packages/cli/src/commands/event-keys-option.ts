/** The option for a file of the user's own keys. */
export const KEYS_OPTION = [
  '--keys <file>',
  'file of keys of your own (default: weir.keys.mjs of this directory, once you have trusted it)',
] as const;
