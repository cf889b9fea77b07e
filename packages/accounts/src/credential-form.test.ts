import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { credentialKind, generateCredential, hashCredential, isCredential } from './credential-form.js';

const kinds = ['ingest', 'api', 'operator'] as const;

describe('the form of credentials', () => {
  it('has one kind each, and is unique', () => {
    const made = kinds.flatMap((kind) =>
      Array.from({ length: 50 }, () => ({ kind, text: generateCredential(kind) })),
    );
    expect(new Set(made.map(({ text }) => text)).size).toBe(made.length);
    for (const { kind, text } of made) {
      expect(credentialKind(text)).toBe(kind);
      expect(kinds.filter((other) => isCredential(other, text))).toEqual([kind]);
      expect(hashCredential(text)).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('accepts no other form', () => {
    const damaged = fc
      .record({
        kind: fc.constantFrom(...kinds),
        at: fc.nat(72),
        by: fc.string({ minLength: 0, maxLength: 3 }),
      })
      .map(({ kind, at, by }) => {
        const text = generateCredential(kind);
        return { text, other: text.slice(0, at) + by + text.slice(at + 1) };
      })
      .filter(({ other }) => !/^weir_(pub|sec|ops)_[0-9a-f]{64}$/.test(other));
    fc.assert(fc.property(damaged, ({ other }) => credentialKind(other) === null));
    fc.assert(fc.property(fc.string(), (text) => credentialKind(text) === null));
    expect(credentialKind(`${generateCredential('ingest')}\n`)).toBeNull();
  });
});
