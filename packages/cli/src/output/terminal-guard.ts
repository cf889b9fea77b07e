/**
 * Protects the terminal from control sequences in untrusted text, which can move the cursor, set the clipboard or, on
 * some terminals, type a command. All terminal output of a command passes through this guard.
 */
import { StringDecoder } from 'node:string_decoder';
import type { OutputStream } from './output.js';
import { sanitizeLines } from './sanitize.js';

const unguarded = new WeakMap<OutputStream, OutputStream>();

/**
 * Returns a stream that escapes control and direction characters if the given one is a terminal; otherwise the stream
 * itself.
 */
export function guardTerminal(stream: OutputStream): OutputStream {
  if (stream.isTTY !== true || unguarded.has(stream)) return stream;
  // A character may be split between two writes of bytes.
  const decoder = new StringDecoder('utf8');
  const write = (chunk: Uint8Array | string, ...more: unknown[]): unknown => {
    const text = typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk));
    const callback = more.find((one) => typeof one === 'function');
    return Reflect.apply(stream.write, stream, [
      sanitizeLines(text),
      ...(callback === undefined ? [] : [callback]),
    ]);
  };
  const guarded = new Proxy(stream, {
    get(target, name) {
      if (name === 'write') return write;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  unguarded.set(guarded, stream);
  return guarded;
}

/** The stream behind the guard, for lines that the command itself redraws. */
export function behindGuard(stream: OutputStream): OutputStream {
  return unguarded.get(stream) ?? stream;
}
