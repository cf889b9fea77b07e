/** A bus whose one source makes its events itself, as many a second as it is told: the bus alone, without an upstream. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@weir/base';
import { Bus } from '@weir/bus';
import { localTransport } from '@weir/bus/transport';
import { rawEvent } from '@weir/event';
import type { EventStream, Source, StreamedEvent } from '@weir/event/source';
import { atRate, documentText, type Rate } from './rate.js';

export const SECRET = 'bench';

class MadeSource implements Source {
  readonly name = 'made';
  readonly hasOffsets = false;
  #queue: StreamedEvent[] = [];
  #wake: () => void = () => {};
  #made = 0;

  make(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.#made += 1;
      const facts = {
        event_id: String(this.#made),
        event_type: 'bench',
        timestamp: new Date().toISOString(),
      };
      this.#queue.push({ event: rawEvent(facts, documentText(this.#made)) });
    }
    this.#wake();
  }

  open(): EventStream {
    const self = this;
    return {
      async *follow(watcher, signal) {
        watcher.onState('connected');
        signal.addEventListener('abort', () => self.#wake(), { once: true });
        while (!signal.aborted) {
          const events = self.#queue;
          self.#queue = [];
          yield* events;
          if (self.#queue.length > 0) continue;
          await new Promise<void>((resolve) => {
            self.#wake = resolve;
          });
        }
      },
    };
  }
}

const directory = mkdtempSync(join(tmpdir(), 'weir-bench-bus-'));
const source = new MadeSource();
const bus = new Bus({
  version: '0.1.0',
  secret: SECRET,
  leasesFile: join(directory, 'leases.json'),
  openSource: () => source,
  runCleanup: async () => {},
  log: silentLogger,
});
await bus.start();
const listener = await localTransport().listen(join(directory, 'bus.sock'), (socket) => bus.accept(socket));
process.on('message', async (rate: Rate) => {
  await atRate(rate, (count) => source.make(count));
  process.send?.('made');
});
process.once('disconnect', async () => {
  await bus.close('shutdown');
  await listener.close();
  rmSync(directory, { recursive: true, force: true });
  process.exit();
});
process.send?.(listener.path);
