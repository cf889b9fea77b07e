import { WeirError } from '@weir/base';
import type { StreamedEvent } from '../source/event-stream.js';

/** The output of one event. */
export interface EventOutput {
  readonly item: StreamedEvent;
  /** At least one JSON text without line breaks. */
  readonly lines: readonly string[];
}

/** Destination of a consumer's output. */
export interface EventSink {
  /**
   * Writes the output of one event; resolves when the next may follow.
   *
   * @param hurry aborts when the consumer has ended and no longer waits.
   * @throws SinkFailure if only this event failed; any other error ends the consumer.
   */
  write(output: EventOutput, hurry: AbortSignal): Promise<void>;
}

/** The sink failed on one event; the next may succeed. */
export class SinkFailure extends WeirError<'sink_failed'> {
  constructor(message: string) {
    super('sink_failed', message);
  }
}

/** Joins the lines to one text, each with its line feed. */
export function textOf({ lines }: EventOutput): string {
  return `${lines.join('\n')}\n`;
}
