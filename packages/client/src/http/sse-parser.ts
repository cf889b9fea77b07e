import { defined } from '@weir/base';

/** A block of an event stream. A block without data only moves the resume position. */
export interface SseBlock {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/**
 * Parses an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html) chunk by chunk; an incomplete
 * block at the end is discarded. SSE libraries drop blocks without data, which the feed uses to advance the cursor
 * while a filter excludes all events (decision 29). Lines end with LF or CRLF, not with a lone CR.
 */
export class SseParser {
  #rest = '';
  #id: string | undefined;
  #event: string | undefined;
  #data: string | undefined;

  /** Returns the blocks that `text` completes. */
  push(text: string): SseBlock[] {
    const blocks: SseBlock[] = [];
    const whole = this.#rest + text;
    let start = 0;
    for (;;) {
      const end = whole.indexOf('\n', start);
      if (end < 0) break;
      const line = whole.slice(start, whole[end - 1] === '\r' && end > start ? end - 1 : end);
      start = end + 1;
      if (line !== '') this.#field(line);
      else this.#dispatch(blocks);
    }
    this.#rest = whole.slice(start);
    return blocks;
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    else if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
  }

  #dispatch(blocks: SseBlock[]): void {
    if (this.#id !== undefined || this.#data !== undefined) {
      blocks.push({
        ...defined({ id: this.#id, event: this.#event, data: this.#data }),
      });
    }
    this.#id = undefined;
    this.#event = undefined;
    this.#data = undefined;
  }
}
