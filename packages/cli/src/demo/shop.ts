/**
 * A month of an invented web shop: visits, searches, sign-ups and purchases of people who return less and less often.
 * Deterministic: the same count on the same day gives the same events with the same ids.
 */
import { defined } from '@weir/base';
import type { OutgoingEvent } from '../send/outgoing-event.js';

/** Maximum number of events. */
export const MAX_EVENTS = 3_000_000;

/** Number of days before today. */
const DAYS = 30;
/** Events per chunk. */
const CHUNK = 1_000;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

interface Product {
  readonly name: string;
  readonly category: string;
  /** In EUR. */
  readonly price: number;
}

const PRODUCTS: readonly [Product, ...Product[]] = [
  { name: 'Espresso beans', category: 'coffee', price: 12.9 },
  { name: 'Pour-over kettle', category: 'equipment', price: 64 },
  { name: 'Hand grinder', category: 'equipment', price: 89.5 },
  { name: 'Decaf beans', category: 'coffee', price: 13.4 },
  { name: 'Paper filters', category: 'supplies', price: 4.2 },
  { name: 'Milk jug', category: 'equipment', price: 18.75 },
];
const SEARCHES = ['beans', 'grinder', 'filter', 'gift'] as const;
const SOURCES = ['google', 'newsletter', 'direct', 'instagram', 'friend'] as const;
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'America/Sao_Paulo'] as const;
const NAMES = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Alan', 'Radia', 'Ken', 'Frances'] as const;

/** A shop event without its id. */
export interface ShopEvent {
  readonly event: string;
  /** RFC 3339, UTC. */
  readonly timestamp: string;
  readonly anonymous_id: string;
  readonly user_id?: string;
  readonly session_id: string;
  readonly properties: object;
}

/**
 * The shop's events, ready to send.
 * @param count at most {@link MAX_EVENTS}
 * @param now epoch milliseconds; the last day of the shop is the day before
 */
export async function* shopEvents(count: number, now: number): AsyncGenerator<OutgoingEvent[]> {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const date = new Date(today).toISOString().slice(0, 10);
  let chunk: OutgoingEvent[] = [];
  let index = 0;
  for (const event of visitsBefore(today)) {
    const bytes = Buffer.from(JSON.stringify({ ...event, event_id: `demo-${date}-${index}` }));
    index += 1;
    chunk.push({ origin: { file: null, line: index }, bytes });
    if (chunk.length < CHUNK && index < count) continue;
    yield chunk;
    if (index === count) return;
    chunk = [];
  }
}

/** An endless sequence of events, visitor by visitor. */
export function* visitsBefore(today: number): Generator<ShopEvent> {
  for (let person = 0; ; person += 1) yield* new Visitor(person, today).events();
}

/** A visitor of the shop, who may sign up. */
class Visitor {
  readonly #id: number;
  readonly #today: number;
  readonly #random: () => number;
  readonly #zone: string;
  readonly #source: string;
  #userId: string | undefined;

  constructor(id: number, today: number) {
    this.#id = id;
    this.#today = today;
    this.#random = randomNumbers(id + 1);
    this.#zone = this.#one(ZONES);
    this.#source = this.#one(SOURCES);
  }

  *events(): Generator<ShopEvent> {
    const firstDay = Math.floor(this.#random() * DAYS);
    for (let day = firstDay; day < DAYS; day += 1) {
      const age = day - firstDay;
      if (age === 0 || this.#random() < 0.45 * Math.exp(-age / 6)) yield* this.#visit(day);
    }
  }

  *#visit(day: number): Generator<ShopEvent> {
    let time = this.#today - (DAYS - day) * DAY_MS + (8 + 14 * this.#random()) * 60 * MINUTE_MS;
    const at = (event: string, properties: object): ShopEvent => {
      const timestamp = new Date(time).toISOString();
      time += (0.1 + this.#random()) * MINUTE_MS;
      return {
        event,
        timestamp,
        anonymous_id: `demo-a-${this.#id}`,
        ...defined({ user_id: this.#userId }),
        session_id: `demo-s-${this.#id}-${day}`,
        properties,
      };
    };
    const page = (path: string): ShopEvent =>
      at('page', { path, source: this.#source, $timezone: this.#zone });

    yield page('/');
    if (this.#random() < 0.2) yield at('search', { text: this.#one(SEARCHES) });
    if (this.#random() < 0.3) return;
    const product = this.#one(PRODUCTS);
    yield page(`/products/${product.category}`);
    yield at('product_viewed', product);
    if (this.#userId === undefined && this.#random() < 0.3) {
      this.#userId = `demo-u-${this.#id}`;
      const plan = this.#random() < 0.25 ? 'pro' : 'free';
      yield at('$identify', { $set: { name: this.#one(NAMES), plan } });
      yield at('signup', { plan, source: this.#source });
    }
    if (this.#random() < 0.6) return;
    const quantity = 1 + Math.floor(this.#random() * 3);
    yield at('added_to_cart', { ...product, quantity });
    if (this.#random() < 0.4) return;
    yield at('checkout_started', { items: quantity });
    if (this.#random() < 0.25) return;
    const total = Math.round(product.price * quantity * 100) / 100;
    yield at('purchase', { product: product.name, quantity, total, currency: 'EUR' });
  }

  #one<T>(list: readonly [T, ...T[]]): T {
    return list[Math.floor(this.#random() * list.length)] ?? list[0];
  }
}

/** A deterministic random number generator from 0 to 1: mulberry32, public domain. */
function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
