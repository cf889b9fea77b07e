import { MAX_EVENT_BYTES } from '../raw-event.js';
import type { EventStream, StreamedEvent, StreamWatcher } from './event-stream.js';
import { FileChanges } from './file-changes.js';
import { cursorOf, placeOf } from './file-place.js';
import { lineEvent } from './line-event.js';
import { LineReader, lastLineOf, type ReadLine } from './line-reader.js';
import { OpenFile } from './open-file.js';
import { closeAll, filesAfter, filesFrom } from './rotated-files.js';
import type { Source } from './source.js';

/**
 * Lines of a growing file, like `tail -F`: follows rotation, truncation and a file that does not exist yet. Only
 * complete lines count; blank lines are skipped. An event's cursor is the position of the next line; a reader resumes
 * there, also in the rotated files `<path>.1` to `<path>.9`.
 */
export class FileSource implements Source {
  readonly name: string;
  readonly hasOffsets = true;
  readonly #path: string;

  /** @param path absolute. */
  constructor(path: string) {
    this.#path = path;
    this.name = `file ${path}`;
  }

  /** @param from `latest`, `earliest` (the current start of the file) or a cursor. */
  open(from: string): EventStream {
    return new FileStream(this.#path, from);
  }
}

class FileStream implements EventStream {
  readonly #path: string;
  readonly #from: string;

  constructor(path: string, from: string) {
    this.#path = path;
    this.#from = from;
  }

  async *follow(watcher: StreamWatcher, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    watcher.onState('connecting');
    // Watch before reading, so that no change is missed.
    const changes = new FileChanges(this.#path);
    let files: OpenFile[] = [];
    try {
      const begun = await this.#begin(watcher);
      let reader = begun && new LineReader(begun.file, begun.byte);
      if (reader !== undefined) {
        files = [reader.file];
        watcher.onPosition?.(cursorOf(await reader.file.placeAt(reader.next)));
      }
      watcher.onState('connected');
      while (!signal.aborted) {
        const [current] = files;
        if (current === undefined || reader === undefined) {
          const file = await OpenFile.at(this.#path);
          if (file === undefined) await changes.next(signal);
          else {
            files = [file];
            reader = new LineReader(file, 0);
          }
          continue;
        }
        // Look for a new file before reading the old one to its end: after rotation nothing more is written to the old file.
        if (files.length === 1) files.push(...(await filesAfter(this.#path, current)));
        yield* this.#read(reader, watcher, signal);
        const [, following] = files;
        if (following === undefined) await changes.next(signal);
        else if (!signal.aborted) {
          const rest = reader.rest();
          if (rest !== undefined) yield* this.#eventOf(rest, current, watcher);
          files.shift();
          await current.close();
          reader = new LineReader(following, 0);
        }
      }
    } finally {
      changes.close();
      await closeAll(files);
    }
  }

  async #begin(
    watcher: StreamWatcher,
  ): Promise<{ readonly file: OpenFile; readonly byte: number } | undefined> {
    if (this.#from !== 'latest' && this.#from !== 'earliest') {
      const place = placeOf(this.#from);
      const [file, ...later] = await filesFrom(this.#path, (one) => one.has(place));
      await closeAll(later);
      if (file !== undefined) return { file, byte: place.byte };
      watcher.onGap({ message: `${this.#path} is not the file that was read before` });
    }
    const file = await OpenFile.at(this.#path);
    if (file === undefined) return undefined;
    return { file, byte: this.#from === 'latest' ? await lastLineOf(file, MAX_EVENT_BYTES) : 0 };
  }

  async *#read(
    reader: LineReader,
    watcher: StreamWatcher,
    signal: AbortSignal,
  ): AsyncGenerator<StreamedEvent> {
    for await (const line of reader.read()) {
      if (signal.aborted) return;
      if (line === 'cut') watcher.onGap({ message: `${this.#path} was truncated: unread lines are lost` });
      else yield* this.#eventOf(line, reader.file, watcher);
    }
  }

  async *#eventOf(
    { text, bytes, next }: ReadLine,
    file: OpenFile,
    watcher: StreamWatcher,
  ): AsyncGenerator<StreamedEvent> {
    if (text?.trim() === '') return;
    const cursor = cursorOf(await file.placeAt(next));
    const event = text === undefined ? undefined : lineEvent(text, cursor);
    if (event !== undefined) yield { event, cursor };
    else {
      watcher.onGap({ missed: 1, message: `a line of ${bytes} bytes in ${this.#path} exceeds 1 MiB` });
      watcher.onPosition?.(cursor);
    }
  }
}
