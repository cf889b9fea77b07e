import type { Config } from '../../config/schema.js';
import type { Metrics } from '../../operations/metrics.js';
import type { ConnectionLimit } from '../connection-limit.js';
import type { MemoryBudget } from '../memory-budget.js';
import type { RemoteAddress } from '../remote-address.js';
import { bodyMemory } from './body-memory.js';
import { BodyReader } from './body-reader.js';
import { OpenBodies } from './open-bodies.js';

const MIB = 1024 * 1024;
/** Memory of bodies that contain their own credential, for all addresses and for one. */
const WITHOUT_TOKEN_BYTES = 32 * MIB;
const WITHOUT_TOKEN_BYTES_EACH = 4 * MIB;

/** Creates the reader of all bodies of a server. */
export function createBodies(
  config: Config,
  parts: {
    readonly connections: ConnectionLimit;
    readonly addressOf: RemoteAddress;
    readonly metrics: Metrics;
  },
): BodyReader {
  const { metrics } = parts;
  const open = new OpenBodies({ maxPerAddress: config.WEIR_MAX_BODIES_PER_ADDRESS }, (reason) =>
    metrics.endedBody(reason),
  );
  const memory: MemoryBudget = bodyMemory(config.WEIR_BODY_MEMORY, config.WEIR_BODY_MEMORY / 2, (owner) =>
    open.endSlowest(memory, owner),
  );
  const memoryWithoutToken: MemoryBudget = bodyMemory(
    WITHOUT_TOKEN_BYTES,
    WITHOUT_TOKEN_BYTES_EACH,
    (owner) => open.endSlowest(memoryWithoutToken, owner),
  );
  metrics.observeBodies({
    bytes: () => memory.bytes + memoryWithoutToken.bytes,
    unfinished: () => open.count,
  });
  return new BodyReader({ memory, memoryWithoutToken, open, ...parts });
}
