import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type EventOutput, type EventSink, SinkFailure, textOf } from './event-sink.js';

/**
 * Runs a shell command for each event. The command gets the event on standard input and `WEIR_EVENT_ID`,
 * `WEIR_EVENT_TYPE` and `WEIR_CURSOR` in its environment; it inherits our output streams. A nonzero exit code or a
 * timeout fails the event.
 */
export class ExecSink implements EventSink {
  readonly #command: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #timeoutMs: number | undefined;

  /**
   * @param environment of the command; the variables above are added.
   * @param timeoutMs maximum run time of a command, milliseconds; default no limit.
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
      // Use a process group, so that a timeout also kills the processes that the shell started.
      detached: timeoutMs !== undefined,
      stdio: ['pipe', 'inherit', 'inherit'],
      env: {
        ...this.#environment,
        // A JSON string may contain NUL, an environment variable must not.
        WEIR_EVENT_ID: event.event_id.replaceAll('\0', ''),
        WEIR_EVENT_TYPE: event.event_type.replaceAll('\0', ''),
        WEIR_CURSOR: cursor,
      },
      signal: hurry,
    });
    // The command may exit without reading its input; ignore the resulting EPIPE.
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

/** Time between SIGTERM and SIGKILL. */
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
    // The process group has already ended.
  }
}

// A shell reports a child killed by a signal as exit code 128 plus the signal number.
function shellWord(code: number | null): string {
  if (code === 127) return ' (no such command)';
  if (code === null || code <= 128) return '';
  const [name] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? [];
  return name === undefined ? '' : ` (${name})`;
}
