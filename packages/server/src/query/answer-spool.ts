import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { SpoolSpace } from '@weir/base/node';
import { QueryError } from '@weir/query';

/** Limits of {@link AnswerSpool}. */
export interface AnswerSpoolLimits {
  /** Bytes on disk of all answers. */
  readonly bytes: number;
  /** Bytes on disk of the answers of one project. */
  readonly projectBytes: number;
  /** Bytes of the disk that stay free for the log and the engine. Default 512 MiB. */
  readonly freeBytes?: number;
}

/** Open answers of one project: those that its clients have not read completely. */
const PROJECT_ANSWERS = 64;
/** Open answers of all projects. A project without an open answer may always open one. */
const TOTAL_ANSWERS = 512;
const FREE_BYTES = 512 * 1024 * 1024;
/** How long the measured free space of the disk stays valid, milliseconds. */
const FREE_KNOWN_MS = 1_000;

/** Counts the answers that clients are reading, and the disk space of slow ones. */
export class AnswerSpool {
  readonly directory: string;
  readonly #limits: AnswerSpoolLimits;
  readonly #answers = new Map<string, number>();
  readonly #bytes = new Map<string, number>();
  #totalAnswers = 0;
  #totalBytes = 0;
  #free = 0;
  #freeKnownAt = Number.NEGATIVE_INFINITY;

  /** Empties the directory: a crash can leave the name of an empty file there. */
  constructor(dataDir: string, limits: AnswerSpoolLimits) {
    this.directory = join(dataDir, 'query-answers');
    this.#limits = limits;
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
  }

  /** Answers that clients wait for or read. */
  get answers(): number {
    return this.#totalAnswers;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#totalBytes;
  }

  /**
   * Counts an answer; the returned function ends it and is idempotent.
   * @throws QueryError `at_capacity`
   */
  open(projectId: string): () => void {
    const open = this.#answers.get(projectId) ?? 0;
    if (open >= PROJECT_ANSWERS || (open > 0 && this.#totalAnswers >= TOTAL_ANSWERS)) {
      throw new QueryError('at_capacity', `${open} answers to the project are still open`, {
        limit: PROJECT_ANSWERS,
        hint: 'read the open answers completely, or close their connections',
      });
    }
    add(this.#answers, projectId, 1);
    this.#totalAnswers += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      add(this.#answers, projectId, -1);
      this.#totalAnswers -= 1;
    };
  }

  /** The disk space for answers of one project. */
  space(projectId: string): SpoolSpace {
    return {
      reserve: (bytes) => {
        const own = this.#bytes.get(projectId) ?? 0;
        const { bytes: total, projectBytes } = this.#limits;
        if (own + bytes > projectBytes || this.#totalBytes + bytes > total) return false;
        if (this.#freeBytes() < (this.#limits.freeBytes ?? FREE_BYTES)) return false;
        add(this.#bytes, projectId, bytes);
        this.#totalBytes += bytes;
        return true;
      },
      release: (bytes) => {
        add(this.#bytes, projectId, -bytes);
        this.#totalBytes -= bytes;
      },
    };
  }

  #freeBytes(): number {
    const now = performance.now();
    if (now - this.#freeKnownAt > FREE_KNOWN_MS) {
      const { bavail, bsize } = statfsSync(this.directory);
      this.#free = bavail * bsize;
      this.#freeKnownAt = now;
    }
    return this.#free;
  }
}

function add(counts: Map<string, number>, key: string, more: number): void {
  const sum = (counts.get(key) ?? 0) + more;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}
