import { projectsAndDeadLetters } from './0001-projects-and-dead-letters.js';
import { tenantRuntimeState } from './0002-tenant-runtime-state.js';
import { usageRollup } from './0003-usage-rollup.js';
import { processTables } from './0004-processes.js';
import { channelLimits } from './0005-channel-limits.js';
import { usageEvents } from './0006-usage-events.js';
import type { Migration } from './migration.js';

/** Every step of the schema, in order. */
export const migrations: readonly Migration[] = [
  projectsAndDeadLetters,
  tenantRuntimeState,
  usageRollup,
  processTables,
  channelLimits,
  usageEvents,
];
