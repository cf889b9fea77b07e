import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeDirectory } from '@weir/base/node';
import { ConsumeError } from '../consume-error.js';
import type { StreamedEvent } from '../source/event-stream.js';
import { type EventOutput, type EventSink, textOf } from './event-sink.js';

/** Longest part of a name that an event may choose. */
const LONGEST_ID = 100;

/**
 * Writes a file for each event, which only its owner can read: `<cursor>-<event id>.json`. A file is there whole or not
 * at all; an event that comes again replaces its own.
 */
export class DirectorySink implements EventSink {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Makes the directory if it is missing.
   *
   * @throws ConsumeError `usage` when it cannot be made.
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
      // A disk that is full or gone is so for every event.
      throw new ConsumeError(
        'failed',
        'cannot_write',
        `Cannot write into ${this.#directory}: ${String(cause)}`,
        { param: 'output-dir', hint: 'Make room there, or name another directory.', cause },
      );
    }
  }
}

/** The name of an event's file: letters, digits, `.`, `_` and `-`, however the event is named, and another for each. */
function fileName({ cursor, event }: StreamedEvent): string {
  const id = safe(event.event_id);
  return `${cursor === undefined ? '' : `${safe(cursor)}-`}${id}.json`;
}

function safe(id: string): string {
  const clean = id.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, LONGEST_ID);
  if (clean === id && !id.startsWith('.') && id !== '') return id;
  // What was changed could be the name of another: the hash keeps them apart.
  return `_${clean}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}
