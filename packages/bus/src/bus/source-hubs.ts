import type { SourceSpec } from '@weir/event/source';
import { type HubOptions, SourceHub } from './source-hub.js';

/** The hubs of a bus: one per source in use. */
export class SourceHubs {
  readonly #hubs = new Map<string, SourceHub>();
  readonly #options: Omit<HubOptions, 'spec' | 'onOver'>;

  constructor(options: Omit<HubOptions, 'spec' | 'onOver'>) {
    this.#options = options;
  }

  /** The hub of a spec; `names` in the spec are ignored. `credential` opens the source if it is not open. */
  of(wanted: SourceSpec, credential: string | undefined): SourceHub {
    const spec = withoutNames(wanted);
    const id = JSON.stringify(Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = this.#hubs.get(id);
    if (known !== undefined) return known;
    const hub = new SourceHub(credential, {
      ...this.#options,
      spec,
      onOver: (over) => {
        over.close();
        if (this.#hubs.get(id) === over) this.#hubs.delete(id);
      },
    });
    this.#hubs.set(id, hub);
    return hub;
  }

  [Symbol.iterator](): Iterator<SourceHub> {
    return this.#hubs.values();
  }

  close(): void {
    for (const hub of this.#hubs.values()) hub.close();
    this.#hubs.clear();
  }
}

function withoutNames(spec: SourceSpec): SourceSpec {
  if (spec.kind !== 'feed') return spec;
  const { names: _, ...rest } = spec;
  return rest;
}
