import { expect, test } from 'vitest';
import { asTyped } from './typed-command.js';

const TEXT =
  'Weir: see "weir help send", "npx weir schema", /opt/weir bin, $(weir process submit x)\n  weir demo';

test('hints show npx weir if npx started the process', () => {
  expect(asTyped(TEXT, { npm_config_user_agent: 'npm/11' })).toBe(
    'Weir: see "npx weir help send", "npx weir schema", /opt/weir bin, $(npx weir process submit x)\n  npx weir demo',
  );
  expect(asTyped(TEXT, {})).toBe(TEXT);
});
