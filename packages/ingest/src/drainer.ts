/** Brings dead letters back into ClickHouse. */
import { ClickHouseError } from '@weir/clickhouse';
import { insertAroundBadRows } from './bad-rows.js';
import type { ClaimedDeadLetter, DeadLetters, NewDeadLetter } from './dead-letters.js';
import type { Flags } from './flags.js';
import type { Logger } from './logger.js';
import { RowSet } from './row-set.js';
import type { UsageReporter } from './usage-reporter.js';
import { batchTag, type EventWriter, type InsertContext } from './writer.js';

/** Refused inserts one visit may spend on telling a letter's bad rows from its good ones. */
const TRIES_PER_VISIT = 64;
const FORGET_EVERY_MS = 3_600_000;

/** Settings of a {@link Drainer}. */
export interface DrainerOptions {
  /** Pause between passes, milliseconds. */
  readonly intervalMs: number;
  /** Letters one claim takes. */
  readonly batchLimit: number;
  /** Events joined into one insert. */
  readonly flushEvents: number;
}

/** Works through due dead letters, a pass at a time. */
export class Drainer {
  readonly #letters: DeadLetters;
  readonly #writer: EventWriter;
  readonly #flags: Flags;
  readonly #usage: UsageReporter;
  readonly #logger: Logger;
  readonly #options: DrainerOptions;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | null = null;
  #stopped = false;
  #quarantined = 0;
  #lastForgotten = 0;
  /** Whether the last pass failed: an outage is logged once. */
  #isFailing = false;
  /** Letters whose insert has an unknown outcome: claimed until it is certain that nothing of it still runs. */
  #unknown: { readonly tag: string; readonly ids: readonly string[] }[] = [];

  constructor(
    letters: DeadLetters,
    writer: EventWriter,
    flags: Flags,
    usage: UsageReporter,
    logger: Logger,
    options: DrainerOptions,
  ) {
    this.#letters = letters;
    this.#writer = writer;
    this.#flags = flags;
    this.#usage = usage;
    this.#logger = logger;
    this.#options = options;
  }

  /** Quarantined events, as of the last pass. */
  get quarantined(): number {
    return this.#quarantined;
  }

  /** Starts passing. */
  start(): void {
    this.#schedule(0);
  }

  /** Ends after the insert under way. Claimed letters fall due again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#pass;
  }

  /** One pass: goes on while letters are due. Joins the pass under way, if there is one. */
  pass(): Promise<void> {
    this.#pass ??= this.#drain()
      .then(
        () => {
          this.#isFailing = false;
        },
        (error: unknown) => {
          if (!this.#isFailing)
            this.#logger.warn({ err: error }, 'dead letters cannot be read; trying again');
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
    // An empty queue, which is nearly always, costs one statement a pass.
    if ((await this.#count()) > 0 && (await this.#writer.isUp())) {
      await this.#settleUnknown();
      while (!this.#stopped) {
        const claimed = await this.#letters.claimDue(this.#options.batchLimit);
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
    return depth;
  }

  /** False where ClickHouse is unavailable: the rest is released. */
  async #drainClaimed(claimed: readonly ClaimedDeadLetter[]): Promise<boolean> {
    const groups = this.#joined(claimed);
    for (const [index, group] of groups.entries()) {
      try {
        await this.#drainGroup(group);
      } catch (error) {
        if (!(error instanceof ClickHouseError) || error.kind !== 'unavailable') throw error;
        this.#unknown.push({ tag: contextOf(group).tag, ids: idsOf(group) });
        await this.#letters.release(groups.slice(index + 1).flatMap(idsOf));
        return false;
      }
    }
    return true;
  }

  async #settleUnknown(): Promise<void> {
    for (let one = this.#unknown.at(-1); one !== undefined; one = this.#unknown.at(-1)) {
      await this.#writer.end(one.tag);
      await this.#letters.release(one.ids);
      this.#unknown.pop();
    }
  }

  async #drainGroup(group: readonly ClaimedDeadLetter[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    try {
      await this.#writer.insert(RowSet.join(group.map(({ rows }) => rows)), contextOf(group));
    } catch (error) {
      if (!(error instanceof ClickHouseError) || error.kind === 'unavailable') throw error;
      if (group.length > 1) {
        for (const letter of group) await this.#drainGroup([letter]);
      } else if (error.kind === 'bad_data') {
        await this.#separate(first);
      } else {
        await this.#letters.refuse(first, complaintOf(error));
      }
      return;
    }
    this.#flags.setFatal(false);
    for (const letter of group)
      await this.#usage.report(letter.projectId, letter.rows.count, `${letter.batchId}/dlq/${letter.id}`);
    await this.#letters.remove(idsOf(group));
  }

  /** Stores a letter's good rows and quarantines its bad ones; what one visit does not settle stays due. */
  async #separate(letter: ClaimedDeadLetter): Promise<void> {
    const { refused, unsettled } = await insertAroundBadRows(
      this.#writer,
      letter.rows,
      contextOf([letter]),
      TRIES_PER_VISIT,
    );
    const rest = unsettled.get(letter.projectId) ?? null;
    const bad: NewDeadLetter[] = refused.map(({ row, error }) => deadRow(letter, row, error));
    const stored = letter.rows.count - bad.length - (rest?.count ?? 0);
    if (stored > 0) {
      const visit = `${letter.batchId}/dlq/${letter.id}/${letter.rows.count}`;
      await this.#usage.report(letter.projectId, stored, visit);
    }
    await this.#letters.narrow(letter, rest, bad);
    this.#logger.warn(
      { project: letter.projectId, refused: bad.length, left: rest?.count ?? 0 },
      'events quarantined: ClickHouse refuses them',
    );
  }

  /** Letters of one epoch side by side, up to the events one insert takes. */
  #joined(claimed: readonly ClaimedDeadLetter[]): ClaimedDeadLetter[][] {
    const groups: ClaimedDeadLetter[][] = [];
    let events = 0;
    for (const letter of claimed) {
      const group = groups.at(-1);
      if (
        group === undefined ||
        group[0]?.epoch !== letter.epoch ||
        events + letter.rows.count > this.#options.flushEvents
      ) {
        groups.push([letter]);
        events = letter.rows.count;
      } else {
        group.push(letter);
        events += letter.rows.count;
      }
    }
    return groups;
  }
}

/** A row found bad, as a quarantined letter of its own. */
export function deadRow(
  batch: Pick<NewDeadLetter, 'projectId' | 'epoch' | 'batchId'>,
  row: RowSet,
  error: ClickHouseError,
): NewDeadLetter {
  const [location] = row.locations();
  const offset = location?.offset ?? 0;
  return {
    projectId: batch.projectId,
    epoch: batch.epoch,
    batchId: batch.batchId,
    firstOffset: offset,
    lastOffset: offset,
    part: (location?.index ?? 0) + 1,
    rows: row,
    error: complaintOf(error),
    reason: error.codeName?.toLowerCase() ?? 'bad_data',
    quarantined: true,
  };
}

/** All that ClickHouse said. It may quote the event, so it is for the project's eyes only. */
export function complaintOf(error: ClickHouseError): string {
  return error.detail === undefined ? error.message : `${error.message}: ${error.detail}`;
}

function contextOf(group: readonly ClaimedDeadLetter[]): InsertContext {
  const tag = `weir-ingest/dlq/${group[0]?.id ?? ''}/`;
  return {
    epoch: group[0]?.epoch ?? 0,
    tag,
    earlier: [tag, ...group.map(({ batchId }) => batchTag(batchId))],
  };
}

function idsOf(group: readonly ClaimedDeadLetter[]): string[] {
  return group.map(({ id }) => id);
}
