import { type Log, openLog } from '@weir/log';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Caller, ChannelError, type MsgEntry, Router } from './index.js';
import { ANN, text, textOf } from './testing/people.js';

const ID = 'p_c';
const BUFFER = 6;

/**
 * The next action of one side: new messages, singly or as a batch; or a message that it has sent, or claims to have
 * sent, before.
 */
type Send =
  | { readonly kind: 'new' | 'batch'; readonly count: number; readonly gap: number }
  | { readonly kind: 'again' | 'other' | 'skipped'; readonly which: number };

type Step =
  | { readonly do: 'send'; readonly submitter?: Send; readonly executor?: Send; readonly stale?: boolean }
  | { readonly do: 'reassign' | 'restart' | 'hold' | 'let go' }
  | { readonly do: 'follow'; readonly from: number; readonly slow: boolean };

const send: fc.Arbitrary<Send> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('new' as const, 'batch' as const),
    count: fc.integer({ min: 1, max: 8 }),
    gap: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    kind: fc.constantFrom('again' as const, 'other' as const, 'skipped' as const),
    which: fc.nat(),
  }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      { do: fc.constant('send' as const), submitter: send, executor: send, stale: fc.boolean() },
      { requiredKeys: ['do'] },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('reassign' as const, 'restart' as const, 'hold' as const, 'let go' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('follow' as const), from: fc.nat(), slow: fc.boolean() }),
  },
);

/** The reference model of one sender: its texts by sequence, and their places. */
class Side {
  last = -1;
  readonly stored = new Map<number, { readonly content: string; readonly index: number }>();
}

/** A router, and the messages that it must have stored. */
class World {
  readonly #log: Log;
  readonly #texts = new Map<number, string>();
  readonly #followers: Promise<void>[] = [];
  #router: Router;
  #submitter = new Side();
  #executor = new Side();
  #attempt = 1;
  #gate: Promise<void> = Promise.resolve();
  #letGo = () => {};

  constructor(log: Log) {
    this.#log = log;
    this.#router = this.#open();
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.#router.create({ processId: 'p', name: 'c', submitterId: 'ann', executorId: 'bob' });
    for (const step of steps) await this.#step(step);
    this.#letGo();
    await this.#router.closeProcess('p', 'done');
    await Promise.all(this.#followers);
    this.#check((await this.#router.readAfter(ID, ANN, 0)).entries, 0);
  }

  async #step(step: Step): Promise<void> {
    switch (step.do) {
      case 'send': {
        const { submitter, executor, stale } = step;
        await Promise.all([
          submitter && this.#send(submitter, this.#submitter, ANN),
          executor && this.#send(executor, this.#executor, this.#executorOf(this.#attempt)),
          stale && this.#refused('stale_attempt', this.#executorOf(this.#attempt - 1), 0, 'stale'),
        ]);
        return;
      }
      case 'reassign':
        this.#attempt += 1;
        this.#executor = new Side();
        await this.#router.setExecutorIdForProcess('p', 'bob', this.#attempt);
        return;
      case 'restart':
        await this.#router.close();
        this.#router = this.#open();
        return;
      case 'hold':
        this.#letGo();
        this.#gate = new Promise((resolve) => {
          this.#letGo = resolve;
        });
        return;
      case 'let go':
        this.#letGo();
        return;
      case 'follow':
        this.#followers.push(this.#follow(step.from % (this.#texts.size + 1), step.slow));
    }
  }

  async #send(send: Send, side: Side, caller: Caller): Promise<void> {
    if ('count' in send) {
      const messages = Array.from({ length: send.count }, () => {
        side.last += send.gap;
        return text(side.last, `${JSON.stringify(caller)} ${side.last}`);
      });
      const places =
        send.kind === 'batch'
          ? await this.#router.appendBatch(ID, caller, messages)
          : await Promise.all(messages.map((message) => this.#router.append(ID, caller, message)));
      for (const [i, { sequence, payload }] of messages.entries()) {
        const index = places[i]?.index ?? 0;
        expect(this.#texts.has(index), 'no index twice').toBe(false);
        const content = Buffer.from(payload).toString();
        this.#texts.set(index, content);
        side.stored.set(sequence, { content, index });
      }
      return;
    }
    const sequence = send.which % (side.last + 2);
    const known = side.stored.get(sequence);
    if (sequence > side.last) return;
    if (known === undefined) await this.#refused('sequence_out_of_order', caller, sequence, 'skipped');
    else if (send.kind === 'other') await this.#refused('sequence_conflict', caller, sequence, 'other');
    else {
      const { index } = await this.#router.append(ID, caller, text(sequence, known.content));
      expect(index).toBe(known.index);
    }
  }

  async #refused(code: string, caller: Caller, sequence: number, content: string): Promise<void> {
    await expect(this.#router.append(ID, caller, text(sequence, content))).rejects.toMatchObject({ code });
  }

  /** Reads until the channel closes; resumes from its cursor after each disconnect. */
  async #follow(from: number, slow: boolean): Promise<void> {
    const seen: MsgEntry[] = [];
    for (;;) {
      const after = seen.at(-1)?.index ?? from;
      try {
        for await (const frame of await this.#router.subscribe(ID, ANN, { after })) {
          if (frame.type === 'entries') seen.push(...frame.entries);
          else expect(frame).toEqual({ type: 'closed', reason: 'done', lastIndex: this.#texts.size });
          if (slow) await this.#gate;
        }
        break;
      } catch (error) {
        if (!(error instanceof ChannelError) || !error.retryable) throw error;
        expect(error.facts.cursor).toBe(seen.at(-1)?.index ?? from);
        // The replacement of a closed router is available in the next turn.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.#check(seen, from);
  }

  /** All entries after an index: in order, without a gap or a duplicate. */
  #check(entries: readonly MsgEntry[], from: number): void {
    const all = Array.from({ length: this.#texts.size - from }, (_, i) => from + i + 1);
    expect(entries.map((entry) => [entry.index, textOf(entry)])).toEqual(
      all.map((index) => [index, this.#texts.get(index)]),
    );
  }

  #executorOf(attempt: number): Caller {
    return { credentialId: 'bob', assignment: { attempt } };
  }

  #open(): Router {
    return new Router({ log: this.#log, rateLimit: false, limits: { subscriberEntries: BUFFER } });
  }
}

test('whatever senders, readers, assignments and restarts do, all readers see one order without loss or repeat', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const log = await openLog({ engine: 'memory' });
      await new World(log).run(steps);
      await log.close();
    }),
    { numRuns: 50, interruptAfterTimeLimit: 10_000 },
  );
});
