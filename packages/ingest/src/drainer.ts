/** Retries dead letters in ClickHouse. */
import type { Logger } from '@weir/base';
import { ClickHouseError } from '@weir/clickhouse';
import { insertAroundBadRows } from './bad-rows.js';
import { complaintOf, deadRow, reasonOf } from './batch-letters.js';
import { DeadLetterWarnings } from './dead-letter-warnings.js';
import type { ClaimedDeadLetter, DeadLetters, NewDeadLetter } from './dead-letters.js';
import type { Flags } from './flags.js';
import { RowSet } from './row-set.js';
import type { UsageReporter } from './usage-reporter.js';
import { batchTag, type EventWriter, type InsertContext } from './writer.js';

/** Rejected inserts that one visit may spend on separating a letter's bad rows from its good ones. */
const TRIES_PER_VISIT = 64;
const FORGET_EVERY_MS = 3_600_000;

/** Settings of a {@link Drainer}. */
export interface DrainerOptions {
  /** Pause between passes, milliseconds. */
  readonly intervalMs: number;
  /** Letters of one claim. */
  readonly batchLimit: number;
  /** Events of one claim, and of one insert. */
  readonly flushEvents: number;
}

/** Processes due dead letters in passes. */
export class Drainer {
  readonly #letters: DeadLetters;
  readonly #writer: EventWriter;
  readonly #flags: Flags;
  readonly #usage: UsageReporter;
  readonly #logger: Logger;
  readonly #warnings: DeadLetterWarnings;
  readonly #options: DrainerOptions;
  readonly #flusher: () => { epoch: number; position: number };
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | null = null;
  #stopped = false;
  #quarantined = 0;
  #lastForgotten = 0;
  /** Whether the last pass failed, so that an outage is logged once. */
  #isFailing = false;
  /** Letters whose insert has an unknown outcome: claimed until it certainly no longer runs. */
  #unknown: { readonly tag: string; readonly letters: readonly ClaimedDeadLetter[] }[] = [];

  /** @param flusher this node's flusher: letters beyond its position belong to it */
  constructor(
    letters: DeadLetters,
    writer: EventWriter,
    flags: Flags,
    usage: UsageReporter,
    logger: Logger,
    options: DrainerOptions,
    flusher: () => { epoch: number; position: number },
  ) {
    this.#letters = letters;
    this.#writer = writer;
    this.#flags = flags;
    this.#usage = usage;
    this.#logger = logger;
    this.#warnings = new DeadLetterWarnings(logger);
    this.#options = options;
    this.#flusher = flusher;
  }

  /** Quarantined events at the last pass. */
  get quarantined(): number {
    return this.#quarantined;
  }

  /** Starts the passes. */
  start(): void {
    this.#schedule(0);
  }

  /**
   * Ends after the current insert, or when the signal aborts: claimed letters are then due again when their lease
   * expires.
   */
  async stop(signal: AbortSignal): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#pass, aborted]);
  }

  /** One pass: continues while letters are due. Joins a pass in progress. */
  pass(): Promise<void> {
    this.#pass ??= this.#drain()
      .then(
        () => {
          this.#isFailing = false;
        },
        (error: unknown) => {
          if (!this.#isFailing) this.#logger.warn({ err: error }, 'dead letters cannot be read; retrying');
          this.#isFailing = true;
        },
      )
      .finally(() => {
        this.#pass = null;
      });
    return this.#pass;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.pass().then(() => this.#schedule(this.#options.intervalMs));
    }, delayMs);
  }

  async #drain(): Promise<void> {
    if (!this.#letters.isUp) return;
    // An empty queue, the usual case, costs one statement a pass.
    if ((await this.#count()) > 0 && (await this.#writer.isUp())) {
      await this.#settleUnknown();
      while (!this.#stopped) {
        const claimed = await this.#letters.claimDue({
          maxLetters: this.#options.batchLimit,
          maxEvents: this.#options.flushEvents,
          flusher: this.#flusher(),
        });
        if (claimed.length === 0 || !(await this.#drainClaimed(claimed))) break;
      }
      await this.#count();
    }
    const now = Date.now();
    if (now - this.#lastForgotten < FORGET_EVERY_MS) return;
    this.#lastForgotten = now;
    await this.#letters.forgetPurged();
  }

  async #count(): Promise<number> {
    const { depth, quarantined } = await this.#letters.counts();
    this.#flags.setDlqDepth(depth);
    this.#quarantined = quarantined;
    this.#warnings.look({ depth, quarantined });
    return depth;
  }

  /** False if the pass ends: ClickHouse is unavailable, or the drainer stops. The rest is released. */
  async #drainClaimed(claimed: readonly ClaimedDeadLetter[]): Promise<boolean> {
    const groups = byEpoch(claimed);
    for (const [index, group] of groups.entries()) {
      const rest = groups.slice(index + 1).flat();
      if (this.#stopped) {
        await this.#letters.release([...group, ...rest]);
        return false;
      }
      try {
        await this.#drainGroup(group, contextOf(group));
      } catch (error) {
        if (!(error instanceof ClickHouseError) || error.code !== 'unavailable') throw error;
        this.#unknown.push({ tag: contextOf(group).tag, letters: group });
        await this.#letters.release(rest);
        return false;
      }
    }
    return true;
  }

  async #settleUnknown(): Promise<void> {
    for (let one = this.#unknown.at(-1); one !== undefined; one = this.#unknown.at(-1)) {
      await this.#writer.end(one.tag);
      await this.#letters.release(one.letters);
      this.#unknown.pop();
    }
  }

  /** @param context of the group in which these letters were claimed: all its inserts have one tag */
  async #drainGroup(group: readonly ClaimedDeadLetter[], context: InsertContext): Promise<void> {
    const letters = await this.#letters.renew(group);
    const [first] = letters;
    if (first === undefined) return;
    try {
      await this.#writer.insert(RowSet.join(letters.map(({ rows }) => rows)), context);
    } catch (error) {
      if (!(error instanceof ClickHouseError) || error.code === 'unavailable') throw error;
      if (letters.length > 1) {
        for (const letter of letters) await this.#drainGroup([letter], context);
      } else if (error.code === 'bad_data') {
        await this.#takeApart(first, error, context);
      } else {
        await this.#letters.refuse(first, complaintOf(error));
      }
      return;
    }
    this.#flags.setFatal(false);
    for (const letter of letters) {
      await this.#usage.report(letter.projectId, letter.rows.count, usageId(letter));
    }
    await this.#letters.remove(letters);
  }

  /** Handles a letter with bad rows: a single row is quarantined unchanged. */
  async #takeApart(letter: ClaimedDeadLetter, error: ClickHouseError, context: InsertContext): Promise<void> {
    if (letter.rows.count > 1) await this.#separate(letter, context);
    else await this.#letters.quarantine(letter, complaintOf(error), reasonOf(error));
  }

  /** Stores a letter's good rows and quarantines its bad ones; rows that one visit does not settle stay due. */
  async #separate(letter: ClaimedDeadLetter, context: InsertContext): Promise<void> {
    const { refused, unsettled } = await insertAroundBadRows(
      this.#writer,
      letter.rows,
      context,
      TRIES_PER_VISIT,
    );
    const rest = unsettled.get(letter.projectId) ?? null;
    const bad: NewDeadLetter[] = refused.map(({ row, error }) => deadRow(letter, row, error));
    const stored = letter.rows.count - bad.length - (rest?.count ?? 0);
    if (stored > 0) {
      await this.#usage.report(letter.projectId, stored, `${usageId(letter)}/${letter.rows.count}`);
    }
    await this.#letters.narrow(letter, rest, bad);
    this.#logger.warn(
      { project: letter.projectId, refused: bad.length, left: rest?.count ?? 0 },
      'events quarantined: ClickHouse refuses them',
    );
  }
}

/** Groups letters by log, because an insert names the places of one epoch. */
function byEpoch(claimed: readonly ClaimedDeadLetter[]): ClaimedDeadLetter[][] {
  const groups = new Map<number, ClaimedDeadLetter[]>();
  for (const letter of claimed) {
    const group = groups.get(letter.epoch);
    if (group === undefined) groups.set(letter.epoch, [letter]);
    else group.push(letter);
  }
  return [...groups.values()];
}

/** The id for usage reports: the batch's own for a project's whole share of it, as the flusher would use. */
function usageId({ batchId, firstOffset, part }: ClaimedDeadLetter): string {
  return part === 0 ? batchId : `${batchId}/${firstOffset}.${part}`;
}

function contextOf(group: readonly ClaimedDeadLetter[]): InsertContext {
  const tag = `weir-ingest/dlq/${group[0]?.id ?? ''}/`;
  return {
    epoch: group[0]?.epoch ?? 0,
    tag,
    earlier: [tag, ...group.map(({ batchId }) => batchTag(batchId))],
  };
}
