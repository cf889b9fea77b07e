import { WeirError } from '@weir/base';
import type { StreamedEvent } from '../source/event-stream.js';

/** What comes out of one event. */
export interface EventOutput {
  readonly item: StreamedEvent;
  /** At least one; JSON texts without line breaks. */
  readonly lines: readonly string[];
}

/** Where a consumer's output goes. */
export interface EventSink {
  /**
   * Takes what comes out of one event; resolves when it is done with and the next may come.
   *
   * @param hurry aborts when the consumer has ended and waits no longer.
   * @throws SinkFailure when this event cannot be taken but others may be; any other error ends the consumer.
   */
  write(output: EventOutput, hurry: AbortSignal): Promise<void>;
}

/** One event could not be taken; the next may be. */
export class SinkFailure extends WeirError<'sink_failed'> {
  constructor(message: string) {
    super('sink_failed', message);
  }
}

/** The lines as one text, each with its end. */
export function textOf({ lines }: EventOutput): string {
  return `${lines.join('\n')}\n`;
}
