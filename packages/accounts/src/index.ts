export { AccountsError } from './accounts-error.js';
export type { ApiKey, ApiKeys, CreatedApiKey, NewApiKey } from './api-keys.js';
export { type BootstrapOptions, bootstrap } from './bootstrap.js';
export type { Answer } from './credential-cache.js';
export {
  type CredentialKind,
  credentialKind,
  generateCredential,
  hashCredential,
  isCredential,
} from './credential-form.js';
export type { ApiKeyFound, IngestTokenFound } from './credential-loader.js';
export { Credentials, type CredentialsOptions } from './credentials.js';
export type { CreatedIngestToken, IngestToken, IngestTokens, NewIngestToken } from './ingest-tokens.js';
export {
  InstallationSettings,
  type InstallationSettingsOptions,
  type InstallationSettingValues,
} from './installation-settings.js';
export { type CreatedProject, type Project, type ProjectPresets, Projects } from './projects.js';
export { isScope, SCOPES, type Scope } from './scope.js';
