export type { Admission, Admitted, DenialCode, Denied, Lease } from './admission/admission.js';
export { AdmissionGate, type AdmissionGateOptions, SYSTEM_TENANT } from './admission/admission-gate.js';
export { Rate } from './admission/rate.js';
export { SeamCaller, type SeamFailure, type UsageLogger } from './admission/seam-caller.js';
export {
  DEFAULT_TENANT_STATE,
  documentOf,
  type TenantDocument,
  type TenantState,
} from './admission/tenant-state.js';
export { TenantStates, type TenantStatesOptions } from './admission/tenant-states.js';
export { TenantTable } from './admission/tenant-table.js';
