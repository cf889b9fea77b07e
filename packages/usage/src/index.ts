export type { Admission, Admitted, DenialCode, Denied, Lease } from './admission/admission.js';
export { AdmissionGate, type AdmissionGateOptions, SYSTEM_TENANT } from './admission/admission-gate.js';
export { Rate } from './admission/rate.js';
export { SeamCaller, type SeamFailure } from './admission/seam-caller.js';
export {
  DEFAULT_TENANT_STATE,
  documentOf,
  type TenantDocument,
  type TenantState,
} from './admission/tenant-state.js';
export { TenantStates, type TenantStatesOptions } from './admission/tenant-states.js';
export { TenantTable } from './admission/tenant-table.js';
export type { RetentionLimits } from './dispatch/retention.js';
export {
  documentOf as usageDocumentOf,
  type UsageDocument,
} from './records/document.js';
export { USAGE_STREAM } from './records/entry.js';
export { FUEL } from './records/fuel.js';
export type { EngineShare, RequestEnd, RequestRecord, RequestStart } from './records/request-record.js';
export * from './sinks/index.js';
export { type SinkStatus, UsageService, type UsageServiceOptions } from './usage-service.js';
