export { Outbox, type OutboxChange, type OutboxPage } from './outbox.js';
export {
  type Assigned,
  type Closing,
  isEnd,
  type Json,
  type NewProcess,
  PROCESS_CHANGES,
  PROCESS_STATES,
  type Process,
  type ProcessChange,
  type ProcessChannel,
  type ProcessFilter,
  type ProcessState,
  type Who,
} from './process.js';
export { processDocument } from './process-document.js';
export { ProcessError } from './process-error.js';
export { Processes, type ProcessesOptions } from './processes.js';
