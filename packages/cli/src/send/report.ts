import { CliError } from '../cli-error.js';
import type { Output } from '../output/output.js';
import { Progress } from '../output/progress.js';
import { sanitize } from '../output/sanitize.js';
import type { Origin } from './outgoing-event.js';
import type { SendCounts, SendObserver } from './sender.js';

/** Number of rejections that are listed; later ones are only counted, to bound memory and output. */
const LISTED = 1_000;

/** A rejected event in the summary. */
export interface SendError {
  readonly file?: string;
  readonly line: number;
  readonly reason: string;
}

/** Progress and summary of a command that sends events. */
export class SendReport implements SendObserver {
  readonly #output: Output;
  readonly #progress: Progress;
  readonly #started = performance.now();
  readonly #errors: SendError[] = [];
  /** Total number of events for the progress line, if known. */
  readonly #total: number | null;

  constructor(output: Output, total: number | null = null) {
    this.#output = output;
    this.#progress = new Progress(output.stderr);
    this.#total = total;
  }

  rejected({ file, line }: Origin, reason: string): void {
    if (this.#errors.length >= LISTED) return;
    this.#errors.push({ ...(file === null ? {} : { file }), line, reason });
    if (this.#output.json) return;
    this.#progress.clear();
    this.#output.note(
      `rejected ${file === null ? 'line ' : `${sanitize(file)}:`}${line}: ${sanitize(reason)}`,
    );
    if (this.#errors.length === LISTED) this.#output.note('rejected: further ones are only counted');
  }

  progressed(counts: SendCounts): void {
    this.#progress.update(() => {
      const of = this.#total === null ? '' : ` of ${this.#total}`;
      return `${textOf(counts, of)} (${this.#rate(counts)}/s)`;
    });
  }

  /**
   * Writes the summary, also after a failure.
   * @param failed true if the command ends with an error
   * @param more further members of the JSON document
   */
  end(counts: SendCounts, failed: boolean, more: object = {}): void {
    this.#progress.clear();
    const document = { ...counts, errors: this.#errors, ...more };
    // A failure before the first response needs no summary.
    this.#output.result(document, counts.sent === 0 && failed ? '' : textOf(counts, ''));
  }

  /** @throws CliError `failed` if events were rejected */
  mustBeComplete({ rejected, sent }: SendCounts): void {
    if (rejected === 0) return;
    throw new CliError('failed', 'events_rejected', `${rejected} of ${sent} events were rejected`, {
      hint: 'Correct these events and send them again, or pass --allow-rejected',
    });
  }

  #rate({ sent }: SendCounts): number {
    return Math.round(sent / ((performance.now() - this.#started) / 1000));
  }
}

function textOf({ sent, accepted, duplicates, rejected }: SendCounts, of: string): string {
  return `sent ${sent}${of}: ${accepted} accepted, ${duplicates} duplicates, ${rejected} rejected`;
}
