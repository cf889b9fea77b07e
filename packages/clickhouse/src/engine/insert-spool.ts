import { createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Spools the data of inserts for the engine. chDB accepts inline data only as the tail of the statement, where its
 * parser ends the data at the first empty line and *runs the rest as SQL*. This corrupts binary rows (an offset of 2570
 * is two newlines) and is an injection hole for text rows. So data never stands in a statement: it goes through a file
 * that the engine reads with FROM INFILE, at the same CPU cost a row. The file is deleted before the kernel has a
 * reason to write it to disk.
 *
 * Answers in a format whose chunks cannot be joined are spooled too, see Statements.stream.
 */
export class InsertSpool {
  readonly #directory: string;
  #last = 0;

  /** Empties `directory`: data left by a crash was never acknowledged. */
  constructor(directory: string) {
    this.#directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Writes a complete body; resolves with the path of the file, which the caller removes. */
  async write(body: Readable): Promise<string> {
    const path = this.#nextPath();
    try {
      await pipeline(body, createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: 1 << 20 }));
      return path;
    } catch (error) {
      await this.remove(path);
      throw error;
    }
  }

  /** Creates a file to fill piece by piece, which the caller removes. */
  create(): SpoolFile {
    return new SpoolFile(this.#nextPath());
  }

  /** Removes a file of {@link write} or {@link create}. */
  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  #nextPath(): string {
    this.#last += 1;
    return join(this.#directory, `${this.#last}.rows`);
  }
}

/** A growing file of the spool. */
export class SpoolFile {
  readonly path: string;
  #size = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** Appends a piece. */
  async append(piece: Uint8Array): Promise<void> {
    await appendFile(this.path, piece, { mode: 0o600 });
    this.#size += piece.length;
  }
}

/** An INSERT whose data is the body: `INSERT INTO target … FORMAT name`. */
export interface InsertStatement {
  readonly target: string;
  readonly settings: string;
  readonly format: string;
}

/** Parses a statement whose data is in the body; undefined if it has another form. */
export function readInsert(sql: string): InsertStatement | undefined {
  const parts = /^\s*INSERT\s+INTO\s+([\s\S]+?)(\s+SETTINGS\s+[\s\S]+?)?\s+FORMAT\s+(\w+)\s*;?\s*$/i.exec(
    sql,
  );
  const [, target, settings = '', format] = parts ?? [];
  return target === undefined || format === undefined ? undefined : { target, settings, format };
}

/**
 * The same INSERT with its data in a file. `path` must be relative and contain no `*`, `?` or braces, which are
 * patterns.
 */
export function insertFromFile(insert: InsertStatement, path: string): string {
  return `INSERT INTO ${insert.target} FROM INFILE '${path}' COMPRESSION 'none'${insert.settings} FORMAT ${insert.format}`;
}
