import { LiveCache } from '../commit/live-cache.js';
import { LiveStream, type Surroundings } from './live-stream.js';
import { recordStream, type StreamKey } from './stream-name.js';

/** The stream names of a store that are in memory. */
export type StreamCache = LiveCache<StreamKey, LiveStream>;

/** Maximum number of producers of all streams not in use: about 300 bytes each. */
const MAX_IDLE_PRODUCERS = 50_000;

/** Creates the cache of a store. */
export function streamCache(around: Surroundings): StreamCache {
  return new LiveCache({
    idOf: recordStream,
    open: (key) => LiveStream.open(key, around),
    settled: (live) => live.turns.idle(),
    weightOf: ({ state }) => state?.producers.size ?? null,
    maxIdleWeight: MAX_IDLE_PRODUCERS,
  });
}
