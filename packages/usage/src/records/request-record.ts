import type { DenialReason, UsageSource } from '@weir/extension';
import type { Appended, Part } from '@weir/log';
import { SYSTEM_TENANT } from '../admission/admission-gate.js';
import { FUEL, fuelOfDeliveries, fuelOfEvents, fuelOfMessages, fuelOfQuery } from './fuel.js';
import type { Journal } from './journal.js';
import { recordId } from './record-id.js';
import type { RecordRow } from './record-row.js';

/** The facts of a request when it begins. */
export interface RequestStart {
  /** The id of the request. */
  readonly rid: string;
  readonly src: UsageSource;
  /** The surface and the route template. */
  readonly stack: string;
}

/** The end of a request. */
export interface RequestEnd {
  /** Null if no answer was begun. */
  readonly httpStatus: number | null;
  /** Whether the complete answer was passed to the client. */
  readonly isWhole: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The engine's work for a request. */
export interface EngineShare {
  readonly engineMs: number;
  readonly readRows: number;
  /** Peak. */
  readonly memoryBytes: number;
  readonly ok: boolean;
}

const NONE: readonly never[] = [];

/**
 * The record of one running request. It is opened once, before the first byte of the answer. It is completed once, when
 * the answer has ended or the client has disconnected, all holders have released it, and the engine has finished its
 * work.
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
  /**
   * Unsettled appends of accepted events, with their numbers of events. An array, because nearly all requests have one.
   */
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

  /** Sets the route, once it is known. */
  route(src: UsageSource, stack: string): void {
    this.#src = src;
    this.#stack = stack;
  }

  /** Sets the tenant and the credential. */
  identify(tenant: string, principal: string): void {
    this.#tenant = tenant;
    this.#principal = principal;
  }

  /** Marks the request as refused before any work; it is not billed. */
  deny(reason: DenialReason): void {
    this.#denied = reason;
  }

  /** Marks the request as failed, whatever the status of its answer. */
  fail(): void {
    this.#hasFailed = true;
  }

  /** Sets the number of accepted events. */
  accepted(events: number): void {
    this.#events = events;
  }

  /** Counts delivered events of the feed, or messages of channels. */
  delivered(events: number): void {
    this.#delivered += events;
  }

  /**
   * Counts messages appended to channels, including duplicates.
   * @param bytes of all their payloads
   */
  messages(count: number, bytes: number): void {
    this.#messages += count;
    this.#messageBytes += bytes;
  }

  /** Counts an admitted tool call. */
  call(): void {
    this.#calls += 1;
    this.#denied = null;
    this.#fuel += FUEL.toolCall;
  }

  /** Counts a refused tool call; the request is denied if all its calls are refused. */
  denyCall(reason: DenialReason): void {
    this.#hasFailed = true;
    if (this.#calls === 0) this.#denied = reason;
  }

  /** Whether its opening is in the log, or being written. */
  get isOpen(): boolean {
    return this.#opening !== null || this.#isStored || this.#appends.length > 0;
  }

  /** Delays the completion until the returned function is called, because more facts may follow. */
  hold(): () => void {
    this.#holds += 1;
    return () => {
      this.#holds -= 1;
      this.#completeWhenOver();
    };
  }

  /** Starts work of the engine; call the returned function once, at its end. The record waits for it. */
  compute(): (share: EngineShare) => void {
    this.#holds += 1;
    return (share) => {
      this.#holds -= 1;
      this.#fuel += fuelOfQuery(share.readRows, share.engineMs);
      this.#completeShare(share);
      this.#completeWhenOver();
    };
  }

  /** Opens the record, unless that has begun. Resolves when the opening is durable or was refused. Never rejects. */
  async open(): Promise<void> {
    if (this.#isComplete || this.#isStored || this.#appends.length > 0) return;
    this.#opening ??= this.#journal.open(this, this.#openingRow());
    await this.#opening;
  }

  /**
   * Its opening, to append in one commit with `events` accepted events. Call it for each append of the request: every
   * opening also counts the events of earlier appends and replaces the earlier opening. So a kill between two commits
   * leaves a record of exactly the events in the log.
   */
  part(events: number): Part {
    this.#events += events;
    const part = this.#journal.part(this.#openingRow());
    this.#appends = [...this.#appends, { part, events }];
    return part;
  }

  /**
   * Reports the result of the append of a {@link part}: its place, or null if it failed; its events then do not count.
   */
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

  /** Marks the answer as ended, or the client as disconnected. */
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
    // A 5xx answer is the server's fault, so the tenant pays nothing.
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
