import { WeirError } from '../error/weir-error.js';
import { SpoolFile } from './spool-file.js';

/** Disk space that several sources share. */
export interface SpoolSpace {
  /** Takes `bytes` of the space; false if less is free. */
  reserve(bytes: number): boolean;
  /** Returns space. */
  release(bytes: number): void;
}

/** Settings of {@link readAhead}. */
export interface ReadAheadOptions {
  /** Where the file is created, if one is needed. */
  readonly directory: string;
  /** Default: the free space of the file system. */
  readonly space?: SpoolSpace;
  /** Maximum bytes in memory before the file is used. Default 256 KiB. */
  readonly windowBytes?: number;
  /** Total time that the source waits for the reader before the file is used, milliseconds. Default 500. */
  readonly patienceMs?: number;
  /** Total time that the source waits for the reader when the file may not grow. Default unlimited. */
  readonly fullPatienceMs?: number;
}

/**
 * Reads a source at the source's speed and returns it at the reader's. Bytes that a slow reader has not read wait in a
 * temporary file, so that the source ends early and frees its resources: a connection, a thread of an engine. A reader
 * that keeps up never causes a file.
 *
 * Reading starts with the first `next()`. The reader gets an error of the source after the bytes before it. It gets
 * WeirError `spool_full` if the file could not grow and the reader was too slow to make room.
 */
export function readAhead(
  source: AsyncIterable<Uint8Array>,
  options: ReadAheadOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  return new ReadAhead(source, options).read();
}

const WINDOW_BYTES = 256 * 1024;
const PATIENCE_MS = 500;
/** Bytes that wait for a write in progress; together they form the next write. */
const BATCH_BYTES = 512 * 1024;
/** Overhead of an item besides its bytes, so that a source of tiny items cannot fill the memory. */
const ITEM_BYTES = 256;

class ReadAhead {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #directory: string;
  readonly #space: SpoolSpace | undefined;
  readonly #windowBytes: number;
  readonly #window: Uint8Array[] = [];
  #inWindow = 0;
  #file: SpoolFile | undefined;
  /** Bytes not yet written to the file; they follow those in it. */
  #unwritten: Uint8Array[] = [];
  #unwrittenBytes = 0;
  #writing: Promise<void> | undefined;
  #writeFailure: unknown;
  #isDiskFull = false;
  #patienceMs: number;
  #fullPatienceMs: number;
  #reserved = 0;
  #end: 'open' | 'whole' | 'failed' = 'open';
  #failure: unknown;
  #hasLeft = false;
  #wakeReader: () => void = () => {};
  #wakeSource: () => void = () => {};

  constructor(source: AsyncIterable<Uint8Array>, options: ReadAheadOptions) {
    this.#source = source;
    this.#directory = options.directory;
    this.#space = options.space;
    this.#windowBytes = options.windowBytes ?? WINDOW_BYTES;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.#fullPatienceMs = options.fullPatienceMs ?? Number.POSITIVE_INFINITY;
  }

  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    const filled = this.#fill().then(
      () => this.#finish('whole'),
      (error: unknown) => this.#finish('failed', error),
    );
    try {
      for (;;) {
        const bytes = this.#window.shift();
        if (bytes !== undefined) {
          this.#inWindow -= bytes.length + ITEM_BYTES;
          this.#wakeSource();
          yield bytes;
        } else if (this.#file !== undefined && this.#file.unread > 0) {
          yield await this.#file.read();
          this.#wakeSource();
        } else if (this.#writing === undefined && this.#unwritten.length > 0) {
          // The disk was full when they should have been written.
          yield* this.#takeUnwritten();
          this.#wakeSource();
        } else if (this.#end === 'whole') return;
        else if (this.#end === 'failed') throw this.#failure;
        else {
          await new Promise<void>((resolve) => {
            this.#wakeReader = resolve;
          });
        }
      }
    } finally {
      this.#hasLeft = true;
      this.#wakeSource();
      // The source may notice late that its reader has left; the file is closed as soon as it does.
      void filled.then(() => this.#close());
    }
  }

  async #fill(): Promise<void> {
    for await (const bytes of this.#source) {
      if (this.#hasLeft) return;
      await this.#put(bytes);
      if (this.#hasLeft) return;
      this.#wakeReader();
    }
    await this.#writing;
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
  }

  #finish(end: 'whole' | 'failed', failure?: unknown): void {
    this.#end = end;
    this.#failure = failure;
    this.#wakeReader();
  }

  async #put(bytes: Uint8Array): Promise<void> {
    if (this.#file !== undefined && this.#file.size > 0 && this.#isInOrder) await this.#clear(this.#file);
    if (this.#isInOrder) this.#patienceMs = await this.#waitForRoom(bytes, this.#patienceMs);
    if (this.#hasLeft) return;
    if (!this.#fits(bytes)) {
      if (await this.#spool(bytes)) return;
      this.#fullPatienceMs = await this.#waitForRoom(bytes, this.#fullPatienceMs);
      if (this.#hasLeft) return;
      if (!this.#fits(bytes)) {
        throw new WeirError(
          'spool_full',
          'the reader takes the bytes too slowly, and there is no room to keep them',
        );
      }
    }
    this.#window.push(bytes);
    this.#inWindow += bytes.length + ITEM_BYTES;
  }

  /** Whether the file contains no bytes that the reader must get first. */
  get #isInOrder(): boolean {
    const isRead = this.#file === undefined || this.#file.unread === 0;
    return isRead && this.#writing === undefined && this.#unwritten.length === 0;
  }

  /** Always true for an empty window: otherwise bytes that exceed the window could never be returned. */
  #fits(bytes: Uint8Array): boolean {
    if (!this.#isInOrder) return false;
    return this.#window.length === 0 || this.#inWindow + bytes.length <= this.#windowBytes;
  }

  /** Waits until the bytes fit, the reader has left or the time is up; resolves with the remaining time. */
  async #waitForRoom(bytes: Uint8Array, ms: number): Promise<number> {
    const end = performance.now() + ms;
    while (!this.#hasLeft && !this.#fits(bytes)) {
      const left = end - performance.now();
      if (left <= 0) return 0;
      await new Promise<void>((resolve) => {
        // A longer timer would fire at once.
        const timer = setTimeout(resolve, Math.min(left, 2 ** 31 - 1));
        this.#wakeSource = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return Math.max(0, end - performance.now());
  }

  /** Queues the bytes for the file; false if there is no room for more. */
  async #spool(bytes: Uint8Array): Promise<boolean> {
    if (this.#isDiskFull || this.#space?.reserve(bytes.length) === false) return false;
    this.#reserved += bytes.length;
    this.#unwritten.push(bytes);
    this.#unwrittenBytes += bytes.length + ITEM_BYTES;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      this.#wakeReader();
      this.#wakeSource();
    });
    if (this.#unwrittenBytes >= BATCH_BYTES) await this.#writing;
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    return true;
  }

  /** Writes the queued bytes in one piece, because many small writes would be slower than the source. Never rejects. */
  async #write(): Promise<void> {
    while (this.#unwritten.length > 0) {
      const batch = this.#takeUnwritten();
      try {
        this.#file ??= await SpoolFile.create(this.#directory);
        await this.#file.append(Buffer.concat(batch));
        this.#wakeReader();
      } catch (error) {
        this.#unwritten = [...batch, ...this.#unwritten];
        if (isFull(error)) this.#isDiskFull = true;
        else this.#writeFailure = error;
        return;
      }
    }
  }

  #takeUnwritten(): Uint8Array[] {
    const taken = this.#unwritten;
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
    return taken;
  }

  async #clear(file: SpoolFile): Promise<void> {
    await file.clear();
    this.#isDiskFull = false;
    this.#release(this.#reserved);
  }

  #release(bytes: number): void {
    this.#reserved -= bytes;
    this.#space?.release(bytes);
  }

  async #close(): Promise<void> {
    await this.#writing;
    // Closing may fail; the file has no name, so the system removes it in any case.
    await this.#file?.close().catch(() => {});
    this.#release(this.#reserved);
  }
}

const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && FULL.has(error.code);
}
