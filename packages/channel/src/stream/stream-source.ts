/** A stream as readers and writers use it, independent of its storage. */
import type { Producer } from './producers.js';
import type { Expiry } from './stream-record.js';

/** The current properties of a stream. */
export interface StreamInfo {
  /** Distinguishes the stream from earlier and later ones of the same name. */
  readonly generation: number;
  /** As at creation. */
  readonly contentType: string;
  /** Whether the stream stores separate messages. */
  readonly isJson: boolean;
  readonly expiry: Expiry;
  /** The offset of the end. */
  readonly offset: string;
  readonly isClosed: boolean;
}

/** An append to store. */
export interface AppendRequest {
  /** Empty for a close without content. */
  readonly body: Uint8Array;
  /** Null if the client sent none. */
  readonly contentType: string | null;
  readonly producer: Producer | null;
  /** `Stream-Seq`, at most 256 bytes; null if there is none. */
  readonly seq: string | null;
  /** Whether to close the stream after it. */
  readonly close: boolean;
}

/** The result of an append. */
export interface AppendOutcome {
  /** The end of the stream after the append. */
  readonly offset: string;
  readonly isClosed: boolean;
  /** Whether the append was stored before. */
  readonly isDuplicate: boolean;
  /** Number of its messages, also for a duplicate. */
  readonly messages: number;
  /** Bytes of its messages. */
  readonly bytes: number;
  /** The place of the producer; null without a producer. */
  readonly producer: { readonly epoch: number; readonly seq: number } | null;
}

/** One page of a stream's content. */
export interface Page {
  /** One payload for each append; in a JSON stream, messages separated by commas. */
  readonly payloads: readonly Uint8Array[];
  readonly messages: number;
  /** The place after them. */
  readonly next: number;
  /** Whether the page ends at the current end of the stream. */
  readonly isTail: boolean;
  /** Whether the page ends at the final end of the stream. */
  readonly isEnd: boolean;
}

/** A place is the number of appends before it. Every method throws after the stream was removed. */
export interface StreamSource {
  readonly info: StreamInfo;
  /**
   * The place of an offset, including `-1` and `now`.
   * @throws StreamError `invalid_offset`, `cursor_expired`
   */
  locate(offset: string): number;
  offsetOf(place: number): string;
  /** Reads after a place: whole appends, at most `maxBytes` (default 1 MiB) unless the first alone is larger. */
  read(place: number, maxBytes?: number): Promise<Page>;
  /** Resolves when content follows a place or never will, when the signal aborts, or after the timeout. */
  changed(place: number, o: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<void>;
  /**
   * Resolves when the append is durable.
   * @throws StreamError why nothing was stored
   */
  append(request: AppendRequest): Promise<AppendOutcome>;
  /** Must be called once. */
  release(): void;
}
