export { CliError, type CliErrorDetails, type ErrorKind, EXIT_CODES } from './cli-error.js';
export type { CliContext } from './invocation.js';
export type { OutputStream } from './output/output.js';
export { run } from './run.js';
