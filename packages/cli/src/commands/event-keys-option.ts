/** Keys of one's own. */
export const KEYS_OPTION = [
  '--keys <file>',
  'file of keys of your own (default: weir.keys.mjs of this directory, once you have trusted it)',
] as const;
