export { commandLine, processorSeconds, processTree, residentBytes } from './harness/process-tree.js';
export { waitUntil } from './harness/wait-until.js';
export { type Environment, freePort, type SendAnswer, WeirProcess } from './harness/weir-process.js';
