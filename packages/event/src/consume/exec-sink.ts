import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type EventOutput, type EventSink, SinkFailure, textOf } from './event-sink.js';

/**
 * Runs a command of the shell for each event, with the event on its standard input and `WEIR_EVENT_ID`,
 * `WEIR_EVENT_TYPE` and `WEIR_CURSOR` in its environment. What it writes goes where ours does. An event whose command
 * ends with another code than 0 has failed.
 */
export class ExecSink implements EventSink {
  readonly #command: string;
  readonly #environment: NodeJS.ProcessEnv;

  /** @param environment of the command, but for the variables above. */
  constructor(command: string, environment: NodeJS.ProcessEnv) {
    this.#command = command;
    this.#environment = environment;
  }

  write(output: EventOutput, hurry: AbortSignal): Promise<void> {
    const { event, cursor = '' } = output.item;
    const child = spawn(this.#command, {
      shell: true,
      stdio: ['pipe', 'inherit', 'inherit'],
      env: {
        ...this.#environment,
        // NUL can be in a JSON string and in no variable.
        WEIR_EVENT_ID: event.event_id.replaceAll('\0', ''),
        WEIR_EVENT_TYPE: event.event_type.replaceAll('\0', ''),
        WEIR_CURSOR: cursor,
      },
      signal: hurry,
    });
    // A command need not read what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(textOf(output));
    return new Promise((resolve, reject) => {
      const cutOff = new SinkFailure('the command was ended with this consumer');
      child.once('error', (error) =>
        reject(hurry.aborted ? cutOff : new SinkFailure(`cannot run the command: ${error.message}`)),
      );
      child.once('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new SinkFailure(`the command ended with ${signal ?? `code ${code}${shellWord(code)}`}`));
      });
    });
  }
}

// A shell tells the death of what it ran as 128 and the signal's number.
function shellWord(code: number | null): string {
  if (code === 127) return ' (no such command)';
  if (code === null || code <= 128) return '';
  const [name] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? [];
  return name === undefined ? '' : ` (${name})`;
}
