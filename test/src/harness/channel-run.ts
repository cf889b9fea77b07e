/**
 * One channel of one process between a submitter, which uses requests, and executors, which use sockets, with readers of
 * both kinds. The reference model is a list. `channel-verdict.ts` checks the invariants.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, Weir, WeirError } from '@weir/client';
import { Connection } from '@weir/client/http';
import type { Step } from './channel-case.js';
import { type Acknowledged, Broken, check, judge, type Reading, type Seen } from './channel-verdict.js';
import type { FaultProxy } from './fault-proxy.js';
import type { WeirProcess } from './weir-process.js';

interface Reader extends Reading {
  /** Resolves with how the channel ended. */
  readonly done: Promise<string>;
}

const CHANNEL = 'talk';
/** An executor is given up when it was not heard of for so long; it is heard of four times as often. */
const LEASE_MS = 400;
const PATIENCE_MS = 60_000;

/** Runs a case. @throws Error that says which promise did not hold */
export async function runChannelCase(
  server: WeirProcess,
  proxy: FaultProxy,
  steps: readonly Step[],
): Promise<void> {
  const run = await ChannelRun.begin(
    server,
    proxy,
    steps.some((step) => step.do === 'abandon'),
  );
  try {
    for (const step of steps) await run.take(step);
    await run.finish();
  } finally {
    await run.end();
  }
}

class ChannelRun {
  readonly #server: WeirProcess;
  readonly #proxy: FaultProxy;
  readonly #id: string;
  readonly #client: Weir;
  /** Sends the heartbeats of executors. */
  readonly #beats: Connection;
  readonly #acknowledged: Acknowledged[] = [];
  /** Contents in the order in which a sender gave them; a submitter is one, and each attempt of an executor. */
  readonly #given = new Map<string, string[]>();
  readonly #readers: Reader[] = [];
  readonly #submitted: { readonly sequence: number; readonly text: string; readonly index: number }[] = [];
  readonly #ending = new AbortController();
  #sequence = 0;
  #count = 0;
  /** What the submitter has to say, one after the other. */
  #speaking: Promise<void> = Promise.resolve();
  #executor: Executor | null = null;
  /** The call that asks for the process. */
  #assigning: Promise<unknown> = Promise.resolve();
  /** What the executor has to say. */
  #working: Promise<void> = Promise.resolve();

  private constructor(server: WeirProcess, proxy: FaultProxy, id: string) {
    this.#server = server;
    this.#proxy = proxy;
    this.#id = id;
    this.#client = new Weir({ url: urlOf(proxy), key: server.key });
    this.#beats = new Connection({ url: urlOf(proxy), credential: server.key });
  }

  static async begin(server: WeirProcess, proxy: FaultProxy, hasLease: boolean): Promise<ChannelRun> {
    const body = {
      name: 'model',
      executor_type: `type-${crypto.randomUUID()}`,
      channels: [{ name: CHANNEL }],
      max_retries: 50,
      idempotency_key: crypto.randomUUID(),
      ...(hasLease ? { max_exec_ms: LEASE_MS } : {}),
    };
    const made = await persist(proxy, server.key, 'POST', '/api/v1/processes', body);
    const run = new ChannelRun(server, proxy, String(made.id));
    run.#type = body.executor_type;
    run.#hasLease = hasLease;
    run.#read('socket', 0, 0);
    return run;
  }

  #type = '';
  #hasLease = false;

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'send':
        if (step.by === 'submitter') this.#speak(() => this.#submit(step.count, step.bytes, step.asBatch));
        else this.#work(() => this.#execute(step.count, step.bytes));
        return;
      case 'repeat':
      case 'contradict':
        this.#speak(() => this.#again(step.back, step.do));
        return;
      case 'read': {
        const after = Math.floor(
          step.after * this.#acknowledged.reduce((most, { index }) => Math.max(most, index), 0),
        );
        this.#read(step.by, after, step.pauseMs);
        return;
      }
      case 'cut':
        await this.#assignmentUnlessLeased();
        await this.#proxy.refuse();
        await this.#proxy.restore();
        return;
      case 'abandon':
        this.#work(async () => this.#executor?.abandon());
        return;
      case 'kill':
        await this.#assignmentUnlessLeased();
        await this.#server.kill();
        await this.#server.start();
        return;
    }
  }

  /** Both sides end; every reader gets to the end. */
  async finish(): Promise<void> {
    this.#speak(async () => {
      this.#sequence += 1;
      await this.#post({ sequence: this.#sequence, type: 'end' });
    });
    this.#work(async () => {
      for (;;) {
        const executor = await this.#executing();
        try {
          await executor.channel.sendEnd();
          return;
        } catch (error) {
          this.#lost(error);
        }
      }
    });
    await this.#speaking;
    await this.#working;
    const reasons = await Promise.all(this.#readers.map(({ done }) => done));
    check(
      reasons.every((reason) => reason === 'ended'),
      `readers ended with ${reasons}`,
    );
    const truth = await readAll(this.#proxy, this.#server.key, this.#path);
    judge(truth, { readers: this.#readers, acknowledged: this.#acknowledged, given: this.#given });
  }

  async end(): Promise<void> {
    this.#ending.abort();
    this.#executor?.abandon();
    await this.#client.close();
  }

  #speak(say: () => Promise<void>): void {
    this.#speaking = this.#speaking.then(say);
    this.#speaking.catch(() => {});
  }

  #work(say: () => Promise<void>): void {
    this.#working = this.#working.then(say);
    this.#working.catch(() => {});
  }

  async #submit(count: number, bytes: number, asBatch: boolean): Promise<void> {
    const messages = Array.from({ length: count }, () => {
      this.#sequence += 1;
      return { sequence: this.#sequence, text: this.#content('submitter:', bytes) };
    });
    for (const batch of asBatch ? [messages] : messages.map((message) => [message])) {
      const answer = await this.#post(asBatch ? { messages: batch } : (batch[0] ?? {}));
      const places = (asBatch ? answer.messages : [answer]) as readonly { readonly index: number }[];
      batch.forEach(({ sequence, text }, i) => {
        const index = places[i]?.index ?? 0;
        this.#acknowledged.push({ index, text });
        this.#submitted.push({ sequence, text, index });
      });
    }
  }

  async #again(back: number, how: 'repeat' | 'contradict'): Promise<void> {
    const known = this.#submitted.at(-1 - (back % Math.max(1, this.#submitted.length)));
    if (known === undefined) return;
    const { sequence, text, index } = known;
    if (how === 'repeat') {
      const answer = await this.#post({ sequence, text });
      check(answer.index === index, `sequence ${sequence} was at ${index}, and then at ${answer.index}`);
      return;
    }
    const answer = await this.#post({ sequence, text: `${text} no` }, [409]);
    check(answer.code === 'sequence_conflict', `a contradiction got ${JSON.stringify(answer)}`);
  }

  /** All messages of a step at once, as a program does that streams; those of an executor that lost the process may be lost. */
  async #execute(count: number, bytes: number): Promise<void> {
    const executor = await this.#executing();
    const sending = Array.from({ length: count }, async () => {
      const text = this.#content(`executor#${executor.attempt}:`, bytes);
      const { index } = await executor.channel.send(text);
      this.#acknowledged.push({ index, text });
    });
    for (const result of await Promise.allSettled(sending)) {
      if (result.status === 'rejected') this.#lost(result.reason);
    }
  }

  /** Without a lease, an assignment whose answer is lost is never taken back (docs/processes.md). */
  async #assignmentUnlessLeased(): Promise<void> {
    if (!this.#hasLease) await this.#assigning;
  }

  async #executing(): Promise<Executor> {
    if (this.#executor !== null && !this.#executor.isAbandoned) return this.#executor;
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      const wanted = { executor_type: this.#type, wait_ms: 2_000 };
      const assigning = persist(this.#proxy, this.#server.key, 'POST', '/api/v1/processes/assign', wanted);
      this.#assigning = assigning;
      const given = await assigning;
      if (given.id === undefined) continue;
      this.#executor = new Executor(this.#client, this.#beats, given, this.#hasLease);
      return this.#executor;
    }
    throw new Error('nobody could get the process');
  }

  /** Whatever an executor is refused, it has to be because it has lost the process. */
  #lost(error: unknown): void {
    const code = error instanceof WeirError ? error.code : String(error);
    check(['stale_attempt', 'cancelled', 'closed'].includes(code), `an executor was refused: ${error}`);
    this.#executor?.abandon();
  }

  #content(sender: string, bytes: number): string {
    this.#count += 1;
    const text = `${this.#count} ${'x'.repeat(bytes)}`;
    const given = this.#given.get(sender) ?? [];
    given.push(text);
    this.#given.set(sender, given);
    return text;
  }

  #read(by: 'socket' | 'request', after: number, pauseMs: number): void {
    const seen: Seen[] = [];
    const done = by === 'socket' ? this.#follow(seen, after, pauseMs) : this.#poll(seen, after, pauseMs);
    done.catch(() => {});
    this.#readers.push({ after, seen, done });
  }

  async #follow(seen: Seen[], after: number, pauseMs: number): Promise<string> {
    const followed = this.#client.channel({
      process: this.#id,
      name: CHANNEL,
      after,
      signal: this.#ending.signal,
    });
    for await (const { index, sequence, senderId, attempt, type, ...message } of followed) {
      seen.push({ index, sequence, senderId, attempt, type, text: Buffer.from(message.payload).toString() });
      if (pauseMs > 0 && index % 10 === 0) await sleep(pauseMs);
    }
    return followed.end?.reason ?? 'without a reason';
  }

  async #poll(seen: Seen[], after: number, pauseMs: number): Promise<string> {
    for (let place = after; !this.#ending.signal.aborted; ) {
      const path = `${this.#path}/messages?after=${place}&limit=17&wait_ms=5000&as=text`;
      const page = await persist(this.#proxy, this.#server.key, 'GET', path);
      seen.push(...seenOf(page));
      place = Number(page.next);
      const { closed } = page as { readonly closed?: { readonly reason: string } };
      if (closed !== undefined) return closed.reason;
      if (pauseMs > 0) await sleep(pauseMs);
    }
    return 'given up';
  }

  async #post(body: object, statuses: readonly number[] = [200, 201]): Promise<Answer> {
    return await persist(this.#proxy, this.#server.key, 'POST', `${this.#path}/messages`, body, statuses);
  }

  get #path(): string {
    return `/api/v1/processes/${this.#id}/channels/${CHANNEL}`;
  }
}

/** The executor of the process. */
class Executor {
  readonly channel: Channel;
  readonly attempt: number;
  isAbandoned = false;
  readonly #beating: NodeJS.Timeout | undefined;

  constructor(client: Weir, beats: Connection, given: Answer, hasLease: boolean) {
    const { id, assignment } = given as { readonly id: string; readonly assignment: string };
    this.attempt = Number(given.attempt);
    this.channel = client.channel({ process: id, name: CHANNEL, assignment });
    void this.#read();
    if (!hasLease) return;
    this.#beating = setInterval(() => {
      beats
        .json({
          method: 'POST',
          path: `/api/v1/processes/${id}/heartbeat`,
          body: { assignment },
          patienceMs: 0,
        })
        .catch(() => {});
    }, LEASE_MS / 4);
  }

  /** Reads as executors do, so that the end reaches it while its last messages have no answer yet. */
  async #read(): Promise<void> {
    try {
      for await (const _ of this.channel);
    } catch {
      // It has lost the process.
    }
  }

  /** Is heard of no more. */
  abandon(): void {
    this.isAbandoned = true;
    clearInterval(this.#beating);
  }
}

type Answer = Readonly<Record<string, unknown>>;

/** Asks until there is an answer; what goes this way may be repeated. */
async function persist(
  proxy: FaultProxy,
  key: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
  statuses: readonly number[] = [200, 201, 204],
): Promise<Answer> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      const response = await fetch(urlOf(proxy) + path, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (statuses.includes(response.status)) return text === '' ? {} : (JSON.parse(text) as Answer);
      const isForNow = [429, 503].includes(response.status) || text.includes('token_store_down');
      check(
        isForNow,
        `${method} ${path} ${JSON.stringify(body)?.slice(0, 200)} got ${response.status} ${text}`,
      );
    } catch (error) {
      if (error instanceof Broken) throw error;
    }
    check(Date.now() < deadline, `${method} ${path} got no answer for ${PATIENCE_MS / 1000} s`);
    await sleep(20);
  }
}

async function readAll(proxy: FaultProxy, key: string, path: string): Promise<Seen[]> {
  const all: Seen[] = [];
  for (;;) {
    const page = await persist(proxy, key, 'GET', `${path}/messages?after=${all.length}&as=text`);
    const seen = seenOf(page);
    if (seen.length === 0) return all;
    all.push(...seen);
  }
}

function seenOf(page: Answer): Seen[] {
  const { messages } = page as {
    readonly messages: readonly (Omit<Seen, 'senderId'> & { readonly sender_id: string })[];
  };
  return messages.map(({ index, sequence, sender_id: senderId, attempt, type, text }) => ({
    index,
    sequence,
    senderId,
    attempt,
    type,
    text,
  }));
}

function urlOf(proxy: FaultProxy): string {
  return `http://127.0.0.1:${proxy.port}`;
}
