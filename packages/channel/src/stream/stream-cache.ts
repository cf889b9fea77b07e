import { LiveCache } from '../commit/live-cache.js';
import { LiveStream, type Surroundings } from './live-stream.js';
import { recordStream, type StreamKey } from './stream-name.js';

/** The names of a store that are in memory. */
export type StreamCache = LiveCache<StreamKey, LiveStream>;

/** Producers of all streams that are not in use: some 300 bytes each. */
const MAX_IDLE_PRODUCERS = 50_000;

/** Makes the cache of a store. */
export function streamCache(around: Surroundings): StreamCache {
  return new LiveCache({
    idOf: recordStream,
    open: (key) => LiveStream.open(key, around),
    settled: (live) => live.turns.idle(),
    weightOf: ({ state }) => state?.producers.size ?? null,
    maxIdleWeight: MAX_IDLE_PRODUCERS,
  });
}
