import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeDirectory } from '@weir/base/node';
import { ConsumeError } from '../consume-error.js';
import type { StreamedEvent } from '../source/event-stream.js';
import { type EventOutput, type EventSink, textOf } from './event-sink.js';

/** Maximum length of the part of a file name that comes from an event. */
const LONGEST_ID = 100;

/**
 * Writes each event to a file with mode 0600: `<cursor>-<event id>.json`. Files appear atomically; a redelivered event
 * replaces its own file.
 */
export class DirectorySink implements EventSink {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Creates the directory if it is missing.
   *
   * @throws ConsumeError `usage` if it cannot be created.
   */
  static async open(directory: string): Promise<DirectorySink> {
    try {
      await makeDirectory(resolve(directory));
    } catch (cause) {
      throw new ConsumeError(
        'usage',
        'no_directory',
        `Cannot make the directory ${directory}: ${String(cause)}`,
        { param: 'output-dir', hint: 'Name another, or make it yourself.', cause },
      );
    }
    return new DirectorySink(directory);
  }

  async write(output: EventOutput): Promise<void> {
    const name = fileName(output.item);
    const draft = join(this.#directory, `.${name}.${process.pid}.new`);
    try {
      const file = await open(draft, 'w', 0o600);
      try {
        await file.writeFile(textOf(output));
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(draft, join(this.#directory, name));
    } catch (cause) {
      await rm(draft, { force: true }).catch(() => {});
      // A full or missing disk affects every event, so end the consumer.
      throw new ConsumeError(
        'failed',
        'cannot_write',
        `Cannot write into ${this.#directory}: ${String(cause)}`,
        { param: 'output-dir', hint: 'Free disk space there, or name another directory.', cause },
      );
    }
  }
}

/** The unique file name of an event; contains only letters, digits, `.`, `_` and `-`. */
function fileName({ cursor, event }: StreamedEvent): string {
  const id = safe(event.event_id);
  return `${cursor === undefined ? '' : `${safe(cursor)}-`}${id}.json`;
}

function safe(id: string): string {
  const clean = id.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, LONGEST_ID);
  if (clean === id && !id.startsWith('.') && id !== '') return id;
  // A changed id could equal another id; the hash keeps the names distinct.
  return `_${clean}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}
