import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { Problem } from '../../http/problem.js';
import { problemOf } from '../../http/problem-of.js';
import type { Brake } from '../../http/socket/brake.js';
import { closeOn, GOING_AWAY, POLICY_VIOLATION } from '../../http/socket/close-on.js';
import { keepAlive } from '../../http/socket/heartbeat.js';
import { onMessages } from '../../http/socket/in-turns.js';
import type { FeedCaller } from '../feed-access.js';
import { type About, type ClientFrame, errorFrame, readFrame, type SubscribeFrame } from './frames.js';
import { callGroup } from './group-call.js';
import { Subscription, type SubscriptionParts } from './subscription.js';

/** Maximum subscriptions of a connection. */
const MAX_SUBSCRIPTIONS = 64;
/** Maximum unanswered group calls of a connection. */
const MAX_CALLS = 64;

/** Dependencies of a {@link FeedSocket}. */
export interface FeedSocketParts extends SubscriptionParts {
  readonly caller: FeedCaller;
  /** The connection under the WebSocket. */
  readonly stream: Socket;
  readonly brake: Brake;
  /** Aborts when the server stops. */
  readonly ending: AbortSignal;
  /** Aborts when the caller loses the right. */
  readonly lost: AbortSignal;
  /** Called with unexpected errors. */
  readonly onFailure: (error: unknown) => void;
}

/** One connection: many subscriptions, and group calls. */
export class FeedSocket {
  readonly #socket: WebSocket;
  readonly #parts: FeedSocketParts;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #gone = new AbortController();
  #calls = 0;

  constructor(socket: WebSocket, parts: FeedSocketParts) {
    this.#socket = socket;
    this.#parts = parts;
  }

  /** Serves until the connection ends. */
  async run(): Promise<void> {
    const { ending, lost } = this.#parts;
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    // The library closes the connection after an invalid frame; the listener only prevents an uncaught error.
    this.#socket.on('error', () => {});
    const allHandled = onMessages(this.#socket, this.#parts.brake, (frame, isBinary) =>
      this.#receive(frame, isBinary),
    );
    keepAlive(this.#socket, this.#parts.stream);
    closeOn(ending, this.#socket, GOING_AWAY, 'the server stops');
    closeOn(lost, this.#socket, POLICY_VIOLATION, 'the API key or its project may no longer follow the feed');
    await closed;
    await allHandled();
    this.#gone.abort();
    for (const subscription of this.#subscriptions.values()) subscription.end();
  }

  #receive(frame: Buffer, isBinary: boolean): void {
    const { about, parse } = readFrame(isBinary ? '' : frame.toString('utf8'));
    this.#do(about, parse).catch((error: unknown) => this.#refuse(about, error));
  }

  async #do(about: About, parse: () => ClientFrame): Promise<void> {
    const frame = parse();
    switch (frame.op) {
      case 'ping':
        this.#parts.outbox.answer({ op: 'pong' });
        return;
      case 'subscribe':
        await this.#subscribe(frame);
        return;
      case 'unsubscribe':
        this.#unsubscribe(frame.sub);
        this.#parts.outbox.answer({ op: 'done', ...about });
        return;
      default:
        if (this.#calls >= MAX_CALLS) throw tooMany('too_many_calls', MAX_CALLS, 'wait for their answers');
        this.#calls += 1;
        await callGroup(frame, this.#parts.caller, this.#parts, this.#gone.signal).finally(() => {
          this.#calls -= 1;
        });
    }
  }

  async #subscribe(frame: SubscribeFrame): Promise<void> {
    const { sub, project } = frame;
    const { projectId } = this.#parts.caller;
    if (project !== undefined && project.toLowerCase() !== projectId)
      throw new Problem('not_found', 'no such project');
    if (this.#subscriptions.has(sub)) {
      throw new Problem('subscription_exists', `there is a subscription "${sub}"`, {
        hint: 'take another name, or unsubscribe first',
      });
    }
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS)
      throw tooMany('too_many_subscriptions', MAX_SUBSCRIPTIONS, 'unsubscribe, or open another connection');
    const release = this.#parts.feed.subscriptions.take(projectId);
    const subscription = new Subscription(frame, projectId, this.#parts);
    this.#subscriptions.set(sub, subscription);
    await subscription.run().finally(() => {
      release();
      if (this.#subscriptions.get(sub) === subscription) this.#subscriptions.delete(sub);
    });
  }

  #unsubscribe(sub: string): void {
    const subscription = this.#subscriptions.get(sub);
    if (subscription === undefined)
      throw new Problem('subscription_not_found', `there is no subscription "${sub}"`);
    this.#subscriptions.delete(sub);
    subscription.end();
  }

  #refuse(about: About, error: unknown): void {
    if (problemOf(error).code === 'internal') this.#parts.onFailure(error);
    this.#parts.outbox.answer(errorFrame(about, error));
  }
}

function tooMany(code: 'too_many_calls' | 'too_many_subscriptions', limit: number, hint: string): Problem {
  return new Problem(code, `a connection has at most ${limit}`, { limit, hint });
}
