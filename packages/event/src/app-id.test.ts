import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sanitizeAppId } from './index.js';

test.each([
  ['', '_'],
  ['.', '_'],
  ['..', '_'],
  ['../../etc', '____etc'],
  ['a/b\\c\0d', 'a_b_c_d'],
  ['https://weir.example/p_1', 'https:__weir.example_p_1'],
  ['v1.2', 'v1.2'],
])('%j becomes %j', (id, name) => {
  expect(sanitizeAppId(id)).toBe(name);
});

test('no id leads out of its directory or deeper than one level', () => {
  const part = fc.constantFrom('.', '..', '/', '\\', '\0', 'a', ' ');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part).map((p) => p.join('')),
      ),
      (id) => {
        const name = sanitizeAppId(id);
        expect(join('/events', name)).toBe(`/events/${name}`);
        expect(name).not.toMatch(/[/\\\0]/);
        expect(name).not.toBe('');
      },
    ),
  );
});
