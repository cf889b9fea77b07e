/** Where a command writes: results to standard output, everything about them to standard error. */
import type { Writable } from 'node:stream';
import type { CliError } from '../cli-error.js';
import { sanitize } from './sanitize.js';
import { sentence } from './sentence.js';
import { guardTerminal } from './terminal-guard.js';
import { asTyped } from './typed-command.js';

/** A stream that may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean };

/** What an error looks like under `--json`. */
interface ErrorDocument {
  readonly ok: false;
  readonly error: {
    readonly type: string;
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
    readonly request_id: string | null;
    readonly reasons?: readonly string[];
  };
}

/** How a command writes. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
  /** Results reach a terminal as they are. */
  readonly raw?: boolean;
  /** Of the process: says how it was started, see {@link asTyped}. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A command's output, for people or for programs. */
export class Output {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Whether programs read it. */
  readonly json: boolean;
  readonly #debug: boolean;
  readonly #env: OutputOptions['env'];

  constructor(stdout: OutputStream, stderr: OutputStream, options: OutputOptions) {
    const { json = false, debug = false, raw = false, env } = options;
    this.stdout = raw ? stdout : guardTerminal(stdout);
    this.stderr = guardTerminal(stderr);
    this.json = json;
    this.#debug = debug;
    this.#env = env;
  }

  /** Whether somebody reads the results on a terminal. */
  get isInteractive(): boolean {
    return this.stdout.isTTY === true && !this.json;
  }

  /** The result of the command: the document under `--json`, else the text. */
  result(document: unknown, text: string): void {
    if (this.json) this.document(document);
    else this.text(text);
  }

  /** A JSON document on a line. */
  document(document: unknown): void {
    this.stdout.write(`${JSON.stringify(document)}\n`);
  }

  /** Text for people; a line end is added where it has none. */
  text(text: string): void {
    if (text !== '') this.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** A remark beside the result. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /** The failure a command ends with. */
  failure(error: CliError): void {
    const { reasons, requestId } = error;
    const hint = error.hint === undefined ? undefined : asTyped(sentence(error.hint), this.#env);
    if (this.json) {
      const document: ErrorDocument = {
        ok: false,
        error: {
          type: error.kind,
          code: error.code,
          message: error.message,
          hint: hint ?? null,
          request_id: requestId ?? null,
          ...(reasons.length === 0 ? {} : { reasons }),
        },
      };
      this.stderr.write(`${JSON.stringify(document)}\n`);
    } else {
      const what = sanitize(error.message).replace(/[.\s]+$/, '');
      const end = /[?!]$/.test(what) ? '' : '.';
      const next = hint === undefined ? '' : `${end} ${sanitize(hint)}`;
      this.stderr.write(`weir: ${what}${next}\n`);
      for (const reason of reasons) this.stderr.write(`  ${sanitize(reason)}\n`);
    }
    if (this.#debug) this.stderr.write(`${traceOf(error)}\n`);
  }
}

function traceOf(error: CliError): string {
  const request = error.requestId === undefined ? '' : `request ${error.requestId}\n`;
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : '';
  return `${request}${error.stack ?? error.message}${cause}`;
}
