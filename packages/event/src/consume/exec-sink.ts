import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type EventOutput, type EventSink, SinkFailure, textOf } from './event-sink.js';

/**
 * Runs a command of the shell for each event, with the event on its standard input and `WEIR_EVENT_ID`,
 * `WEIR_EVENT_TYPE` and `WEIR_CURSOR` in its environment. What it writes goes where ours does. An event whose command
 * ends with another code than 0, or has not ended in time, has failed.
 */
export class ExecSink implements EventSink {
  readonly #command: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #timeoutMs: number | undefined;

  /**
   * @param environment of the command, but for the variables above.
   * @param timeoutMs how long a command may run, milliseconds; default no limit.
   */
  constructor(command: string, environment: NodeJS.ProcessEnv, timeoutMs?: number) {
    this.#timeoutMs = timeoutMs;
    this.#command = command;
    this.#environment = environment;
  }

  write(output: EventOutput, hurry: AbortSignal): Promise<void> {
    const { event, cursor = '' } = output.item;
    const timeoutMs = this.#timeoutMs;
    const child = spawn(this.#command, {
      shell: true,
      // A group of its own, so that what the shell has started ends with it.
      detached: timeoutMs !== undefined,
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
      let isLate = false;
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              isLate = true;
              endGroup(child.pid);
            }, timeoutMs);
      const forget = () => clearTimeout(timer);
      child.once('close', forget).once('error', forget);
      child.once('error', (error) =>
        reject(hurry.aborted ? cutOff : new SinkFailure(`cannot run the command: ${error.message}`)),
      );
      child.once('close', (code, signal) => {
        if (isLate) reject(new SinkFailure(`the command had not ended after ${(timeoutMs ?? 0) / 1000} s`));
        else if (code === 0) resolve();
        else reject(new SinkFailure(`the command ended with ${signal ?? `code ${code}${shellWord(code)}`}`));
      });
    });
  }
}

/** What ends by itself has a moment for it. */
const KILL_MS = 2_000;

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  setTimeout(() => signalGroup(pid, 'SIGKILL'), KILL_MS).unref();
}

function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group has ended.
  }
}

// A shell tells the death of what it ran as 128 and the signal's number.
function shellWord(code: number | null): string {
  if (code === 127) return ' (no such command)';
  if (code === null || code <= 128) return '';
  const [name] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? [];
  return name === undefined ? '' : ` (${name})`;
}
