import type { DenialReason, UsageSource } from '@weir/extension';
import type { Appended, Part } from '@weir/log';
import { SYSTEM_TENANT } from '../admission/admission-gate.js';
import { FUEL, fuelOfDeliveries, fuelOfEvents, fuelOfMessages, fuelOfQuery } from './fuel.js';
import type { Journal } from './journal.js';
import { recordId } from './record-id.js';
import type { RecordRow } from './record-row.js';

/** What is known of a request when it begins. */
export interface RequestStart {
  /** The request's id. */
  readonly rid: string;
  readonly src: UsageSource;
  /** Surface and route template. */
  readonly stack: string;
}

/** How a request ended. */
export interface RequestEnd {
  /** Null where no answer was begun. */
  readonly httpStatus: number | null;
  /** Whether all of the answer was handed to the client. */
  readonly isWhole: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The engine's share of a request. */
export interface EngineShare {
  readonly engineMs: number;
  readonly readRows: number;
  /** Peak. */
  readonly memoryBytes: number;
  readonly ok: boolean;
}

const NONE: readonly never[] = [];

/**
 * The record of one request while it runs. It is opened once, before the first byte of the answer, and completed once:
 * when the answer is done or its client has left, whoever works on it is done too, and the engine has let go of what ran
 * for it.
 */
export class RequestRecord {
  readonly id = recordId();
  readonly #journal: Journal;
  readonly #now: () => number;
  readonly #rid: string;
  readonly #startedAt: number;
  readonly #begun = performance.now();
  #src: UsageSource;
  #stack: string;
  #tenant = SYSTEM_TENANT;
  #principal: string | null = null;
  #denied: DenialReason | null = null;
  #hasFailed = false;
  #fuel: number = FUEL.request;
  #events = 0;
  #calls = 0;
  #delivered = 0;
  #messages = 0;
  #messageBytes = 0;
  #opening: Promise<void> | null = null;
  /** Appends of accepted events that are not settled, with their numbers of events. An array, as nearly all requests have one. */
  #appends: readonly { readonly part: Part; readonly events: number }[] = NONE;
  #isStored = false;
  #end: RequestEnd | null = null;
  #holds = 0;
  #isComplete = false;

  /** @param now epoch milliseconds */
  constructor(start: RequestStart, journal: Journal, now: () => number) {
    this.#rid = start.rid;
    this.#src = start.src;
    this.#stack = start.stack;
    this.#journal = journal;
    this.#now = now;
    this.#startedAt = now();
  }

  /** Says what it turned out to ask for. */
  route(src: UsageSource, stack: string): void {
    this.#src = src;
    this.#stack = stack;
  }

  /** Says whose it is. */
  identify(tenant: string, principal: string): void {
    this.#tenant = tenant;
    this.#principal = principal;
  }

  /** Says that it was refused before any work: nothing of it is billed. */
  deny(reason: DenialReason): void {
    this.#denied = reason;
  }

  /** Says that it has failed, whatever the status of its answer. */
  fail(): void {
    this.#hasFailed = true;
  }

  /** Says how many events of it were accepted. */
  accepted(events: number): void {
    this.#events = events;
  }

  /** Counts events the feed delivered for it, or messages of channels. */
  delivered(events: number): void {
    this.#delivered += events;
  }

  /**
   * Counts messages it appended to channels, also those that were there already.
   * @param bytes of all their payloads
   */
  messages(count: number, bytes: number): void {
    this.#messages += count;
    this.#messageBytes += bytes;
  }

  /** Counts a tool call of it that was admitted. */
  call(): void {
    this.#calls += 1;
    this.#denied = null;
    this.#fuel += FUEL.toolCall;
  }

  /** Counts a tool call of it that was refused: the request is denied where all of its calls are. */
  denyCall(reason: DenialReason): void {
    this.#hasFailed = true;
    if (this.#calls === 0) this.#denied = reason;
  }

  /** Whether its opening is in the log, or on its way there. */
  get isOpen(): boolean {
    return this.#opening !== null || this.#isStored || this.#appends.length > 0;
  }

  /** Keeps it from being completed, until what is returned is called: more may be learned of it. */
  hold(): () => void {
    this.#holds += 1;
    return () => {
      this.#holds -= 1;
      this.#completeWhenOver();
    };
  }

  /** Begins a share of the engine's; what is returned is called once, at its end. The record waits for it. */
  compute(): (share: EngineShare) => void {
    this.#holds += 1;
    return (share) => {
      this.#holds -= 1;
      this.#fuel += fuelOfQuery(share.readRows, share.engineMs);
      this.#completeShare(share);
      this.#completeWhenOver();
    };
  }

  /** Opens it, unless that has begun. Resolves once the opening is on disk or the log has refused it. Never rejects. */
  async open(): Promise<void> {
    if (this.#isComplete || this.#isStored || this.#appends.length > 0) return;
    this.#opening ??= this.#journal.open(this, this.#openingRow());
    await this.#opening;
  }

  /**
   * Its opening, to be appended in one commit with `events` accepted events. Call it for each append of the request:
   * every opening counts the events of the appends before it too, and replaces the opening before it. So a kill between two
   * commits leaves a record of exactly the events in the log.
   */
  part(events: number): Part {
    this.#events += events;
    const part = this.#journal.part(this.#openingRow());
    this.#appends = [...this.#appends, { part, events }];
    return part;
  }

  /** Reports the result of the append of a {@link part}: its place, or null if it failed. Then its events do not count. */
  settled(part: Part, place: Appended | null): void {
    const append = this.#appends.find((one) => one.part === part);
    if (append === undefined) return;
    this.#appends = this.#appends.filter((one) => one !== append);
    if (place === null) {
      this.#events -= append.events;
      return;
    }
    this.#isStored = true;
    this.#journal.opened(this, part, place);
  }

  /** Says that the answer is done, or that the client has left. */
  end(end: RequestEnd): void {
    this.#end ??= end;
    this.#completeWhenOver();
  }

  #completeWhenOver(): void {
    if (this.#end === null || this.#holds > 0 || this.#isComplete) return;
    this.#isComplete = true;
    const { httpStatus, isWhole, bytesIn, bytesOut } = this.#end;
    const isOk = isWhole && !this.#hasFailed && this.#denied === null && (httpStatus ?? 500) < 400;
    const ms = Math.round(performance.now() - this.#begun);
    this.#journal.complete(this, this.#row(this.#now(), ms, isOk, httpStatus, bytesIn, bytesOut));
  }

  #openingRow(): RecordRow {
    return this.#row(this.#startedAt, 0, false, null, 0, 0);
  }

  #row(
    time: number,
    durationMs: number,
    isOk: boolean,
    httpStatus: number | null,
    bytesIn: number,
    bytesOut: number,
  ): RecordRow {
    const isDenied = this.#denied !== null;
    // An answer of 5xx is the server's fault: it costs the tenant nothing.
    const isFree = isDenied || (httpStatus ?? 0) >= 500;
    const fuel =
      this.#fuel +
      fuelOfEvents(this.#events) +
      fuelOfDeliveries(this.#delivered) +
      fuelOfMessages(this.#messages, this.#messageBytes);
    return [
      this.id,
      time,
      this.#rid,
      this.#tenant,
      this.#principal,
      this.#src,
      null,
      this.#stack,
      durationMs,
      isOk,
      httpStatus,
      bytesIn,
      bytesOut,
      0,
      isFree ? 0 : fuel,
      this.#denied,
      !isFree && this.#tenant !== SYSTEM_TENANT,
    ];
  }

  #completeShare({ engineMs, memoryBytes, ok }: EngineShare): void {
    this.#journal.complete({}, [
      recordId(),
      this.#now(),
      this.#rid,
      this.#tenant,
      this.#principal,
      'compute',
      this.id,
      this.#stack,
      Math.round(engineMs),
      ok,
      null,
      0,
      0,
      memoryBytes,
      0,
      null,
      false,
    ]);
  }
}
