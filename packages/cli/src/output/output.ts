/** Output of a command: results to standard output, everything else to standard error. */
import type { Writable } from 'node:stream';
import type { CliError } from '../cli-error.js';
import { sanitize } from './sanitize.js';
import { sentence } from './sentence.js';
import { guardTerminal } from './terminal-guard.js';
import { asTyped } from './typed-command.js';

/** A stream that may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean };

/** An error under `--json`. */
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

/** Options of {@link Output}. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
  /** Write results unchanged to a terminal. */
  readonly raw?: boolean;
  /** Environment of the process, see {@link asTyped}. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Output for people or for programs. */
export class Output {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** True for JSON output. */
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

  /** True if a person reads the results on a terminal. */
  get isInteractive(): boolean {
    return this.stdout.isTTY === true && !this.json;
  }

  /** Writes the result: the document under `--json`, otherwise the text. */
  result(document: unknown, text: string): void {
    if (this.json) this.document(document);
    else this.text(text);
  }

  /** Writes a JSON document as one line. */
  document(document: unknown): void {
    this.stdout.write(`${JSON.stringify(document)}\n`);
  }

  /** Writes text for people, with a final line feed. */
  text(text: string): void {
    if (text !== '') this.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Writes a note to standard error. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /** Reports the failure of the command. */
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
