import { randomFillSync } from 'node:crypto';
import { V7Generator } from 'uuidv7';

/** Random words drawn in one call: drawing a few at a time would cost more than the rest of an id. */
const words = new Uint32Array(1024);
let next = words.length;

const generator = new V7Generator({
  nextUint32: () => {
    if (next === words.length) {
      randomFillSync(words);
      next = 0;
    }
    const word = words[next] ?? 0;
    next += 1;
    return word;
  },
});

/** A UUIDv7 (RFC 9562), greater than all previous ones. */
export function recordId(): string {
  return generator.generate().toString();
}
