import { CliError } from '../cli-error.js';

/** Codes that say nothing about the start: none, and ClickHouse's own. */
const UNNAMED: ReadonlySet<string> = new Set(['', 'unavailable', 'query', 'bad_data']);

/** Converts a failed start into an error with a hint. */
export function startError(error: unknown, dataDir: string, address: string): CliError {
  if (error instanceof CliError || !(error instanceof Error)) return CliError.from(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = (name: string, message: string, hint: string) =>
    new CliError('usage', name, message, { hint, cause: error });
  switch (code) {
    case 'locked':
      return known(
        'data_dir_locked',
        `another server uses the data directory ${dataDir}`,
        'Stop it, or choose another with --data-dir',
      );
    case 'EADDRINUSE':
      return known(
        'port_taken',
        `${address} is in use`,
        'Stop the process that listens there, or choose another port with --port',
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return known(
        'host_unknown',
        `${address} is not an address of this machine`,
        'Choose another with --host',
      );
    case 'directory_unsafe':
      return known('data_dir_unsafe', error.message, 'Its data could be read or changed by others');
    case 'EEXIST':
      return known(
        'data_dir_not_directory',
        `the data directory ${dataDir} is a file`,
        'Name a directory with --data-dir or WEIR_DATA_DIR; the server creates it if it does not exist',
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'ENOENT':
      return 'syscall' in error && error.syscall === 'listen'
        ? known(
            'port_not_permitted',
            `this user may not listen on ${address}`,
            'Choose a port above 1023 with --port',
          )
        : known(
            'data_dir_not_permitted',
            `cannot use the data directory ${dataDir}: ${error.message}`,
            'Give this user the right to write there, or choose another with --data-dir',
          );
    case 'ENOSPC':
      return known(
        'disk_full',
        `no space left for ${dataDir}`,
        'Make room, or choose another with --data-dir',
      );
    default:
      return new CliError('failed', UNNAMED.has(code) ? 'start_failed' : code, error.message, {
        hint: 'Run "weir doctor" to see what is wrong',
        cause: error,
      });
  }
}
