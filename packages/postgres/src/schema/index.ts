export { failedEvents } from './failed-events.js';
export { installationSettings } from './installation-settings.js';
export { processes, processOutbox, type StoredChannel } from './processes.js';
export { apiKeys, ingestTokens, projects } from './projects.js';
export { tenantRuntimeRevision, tenantRuntimeState } from './tenant-runtime-state.js';
export { usageRollup, usageRollupPosition } from './usage-rollup.js';
