/** Measures what other clients notice of an attack: `/livez` and a neighbour's ingest, beside a control in the same seconds. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { anonymousBytes } from '../harness/process-tree.js';

const INTERVAL_MS = 20;
const LEAST_MS = 5_000;
const CONTROL = fileURLToPath(new URL('../../dist/attacks/control-server.js', import.meta.url));

/** Times of one kind of request, milliseconds. */
interface Latencies {
  readonly count: number;
  readonly p99: number;
  readonly worst: number;
  /** Answers other than the expected ones, as `status` or the error's code, each with its count. */
  readonly failures: Readonly<Record<string, number>>;
}

/** What was seen while an attack ran. */
export interface Seen {
  readonly livez: Latencies;
  readonly neighbour: Latencies;
  readonly controlLivez: Latencies;
  readonly controlNeighbour: Latencies;
  /** Largest memory of the server and its children, bytes. */
  readonly peakBytes: number;
}

/** Watches a server. One for a test file. */
export class Watch {
  readonly #control: ChildProcess;
  readonly #controlPort: number;
  readonly #port: number;
  readonly #token: string;
  readonly #pids: () => readonly number[];

  private constructor(control: ChildProcess, controlPort: number, target: WatchTarget) {
    this.#control = control;
    this.#controlPort = controlPort;
    this.#port = target.port;
    this.#token = target.token;
    this.#pids = target.pids;
  }

  static async start(target: WatchTarget): Promise<Watch> {
    const control = fork(CONTROL, [], { execArgv: [] });
    // The cast holds: it is the only message of the control.
    const [port] = (await once(control, 'message')) as [number];
    return new Watch(control, port, target);
  }

  stop(): void {
    this.#control.kill('SIGKILL');
  }

  /** Watches until `attack` has ended, for {@link LEAST_MS} at least: a percentile needs some hundred requests. */
  async during(attack: () => Promise<unknown>): Promise<Seen> {
    const over = new AbortController();
    const event = JSON.stringify({ events: [{ event: 'neighbour', timestamp: 1_790_000_000_000 }] });
    const livez = { method: 'GET', path: '/livez', body: '', headers: {} };
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
    const ingest = { method: 'POST', path: '/api/v1/ingest/events', body: event, headers };
    const all = Promise.all([
      sample(this.#port, livez, over.signal),
      sample(this.#port, ingest, over.signal),
      sample(this.#controlPort, livez, over.signal),
      sample(this.#controlPort, ingest, over.signal),
      peak(this.#pids(), over.signal),
    ]);
    try {
      await Promise.all([attack(), new Promise((resolve) => setTimeout(resolve, LEAST_MS))]);
    } finally {
      over.abort();
    }
    const [seenLivez, neighbour, controlLivez, controlNeighbour, peakBytes] = await all;
    return { livez: seenLivez, neighbour, controlLivez, controlNeighbour, peakBytes };
  }
}

/** What a {@link Watch} looks at. */
export interface WatchTarget {
  readonly port: number;
  /** Ingest token of the neighbour's project. */
  readonly token: string;
  /** The server and its children. */
  readonly pids: () => readonly number[];
}

/** Memory of processes together, bytes, without the files that they map. */
export function memoryOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + anonymousBytes(pid), 0);
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: Record<string, string>;
}

async function sample(port: number, asked: Asked, over: AbortSignal): Promise<Latencies> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const failures: Record<string, number> = {};
  const running: Promise<void>[] = [];
  const ask = async (): Promise<void> => {
    const begun = performance.now();
    const outcome = await askOnce(port, asked, agent);
    times.push(performance.now() - begun);
    if (outcome !== '200' && outcome !== '202') failures[outcome] = (failures[outcome] ?? 0) + 1;
  };
  // Requests begin at a fixed rate, whether or not the ones before were answered: a stall counts for all that fall into it.
  const timer = setInterval(() => running.push(ask()), INTERVAL_MS);
  await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  clearInterval(timer);
  await Promise.all(running);
  agent.destroy();
  times.sort((a, b) => a - b);
  return {
    count: times.length,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
    worst: times.at(-1) ?? 0,
    failures,
  };
}

/** The status of the answer, or the code of the error. */
function askOnce(port: number, { method, path, body, headers }: Asked, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    const sent = request({
      port,
      host: '127.0.0.1',
      method,
      path,
      agent,
      headers: { ...headers, ...length },
    });
    sent.setTimeout(60_000, () => sent.destroy(new Error('timeout')));
    sent.on('response', (answer) => {
      answer.resume();
      answer.on('end', () => resolve(String(answer.statusCode)));
      answer.on('error', () => resolve('broken'));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body);
  });
}

async function peak(pids: readonly number[], over: AbortSignal): Promise<number> {
  let largest = 0;
  const look = (): void => {
    largest = Math.max(largest, memoryOf(pids));
  };
  look();
  const timer = setInterval(look, 50);
  await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  clearInterval(timer);
  look();
  return largest;
}
