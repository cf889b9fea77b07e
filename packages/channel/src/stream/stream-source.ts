/** A stream as those who read and append meet it, whatever it is kept in. */
import type { Producer } from './producers.js';
import type { Expiry } from './stream-record.js';

/** How a stream is now. */
export interface StreamInfo {
  /** Told apart from all streams of this name before and after. */
  readonly generation: number;
  /** As it was created with. */
  readonly contentType: string;
  /** Whether messages are kept apart. */
  readonly isJson: boolean;
  readonly expiry: Expiry;
  /** Where it ends. */
  readonly offset: string;
  readonly isClosed: boolean;
}

/** What is to be appended. */
export interface AppendRequest {
  /** Empty for a mere close. */
  readonly body: Uint8Array;
  /** Null where the client sent none. */
  readonly contentType: string | null;
  readonly producer: Producer | null;
  /** `Stream-Seq`, at most 256 bytes; null for none. */
  readonly seq: string | null;
  /** Whether nothing comes after it. */
  readonly close: boolean;
}

/** What became of an append. */
export interface AppendOutcome {
  /** Where the stream ends now. */
  readonly offset: string;
  readonly isClosed: boolean;
  /** Whether it had been stored before. */
  readonly isDuplicate: boolean;
  /** Its messages, also those that had been stored before. */
  readonly messages: number;
  /** Bytes of those. */
  readonly bytes: number;
  /** How far the producer is, where there is one. */
  readonly producer: { readonly epoch: number; readonly seq: number } | null;
}

/** Some of a stream's content. */
export interface Page {
  /** Of each append; of a JSON stream its messages, with commas between. */
  readonly payloads: readonly Uint8Array[];
  readonly messages: number;
  /** The place behind them. */
  readonly next: number;
  /** Whether the stream ends there. */
  readonly isTail: boolean;
  /** Whether it ends there for good. */
  readonly isEnd: boolean;
}

/** A place is the number of appends before it. Every method throws once the stream is gone. */
export interface StreamSource {
  readonly info: StreamInfo;
  /**
   * The place an offset stands for, `-1` and `now` among them.
   * @throws StreamError `invalid_offset`, `cursor_expired`
   */
  locate(offset: string): number;
  offsetOf(place: number): string;
  /** What comes after a place: whole appends, at most `maxBytes` (default 1 MiB) unless the first alone is larger. */
  read(place: number, maxBytes?: number): Promise<Page>;
  /** Resolves when there is more after a place or never will be, the signal aborts, or the time is over. */
  changed(place: number, o: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<void>;
  /**
   * Resolves when it is on disk.
   * @throws StreamError why nothing was stored
   */
  append(request: AppendRequest): Promise<AppendOutcome>;
  /** To be called once. */
  release(): void;
}
