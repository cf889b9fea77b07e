export { SinkRegistry, type UsageDocument, usageDocumentOf } from '@weir/usage';
export { type App, createApp } from './app.js';
export type { AppOptions } from './app-options.js';
export {
  ConfigError,
  describeConfig,
  type LoadedConfig,
  loadConfig,
  readEnvFile,
  type Variables,
} from './config/load.js';
export { type Config, type ConfigName, type SettingInfo, settings } from './config/schema.js';
export { assertUsageSinks } from './config/usage-sinks.js';
export { createLogger } from './logger.js';
export { CREDENTIALS_FILE, type FirstProject } from './projects/first-start.js';
export { VERSION } from './version.js';
