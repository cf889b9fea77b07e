import { PGlite } from '@electric-sql/pglite';

/**
 * PGlite for the socket server, whose queue stands still for good once a message has failed with an exception.
 * SQL errors are answers, not exceptions: what throws here is a broken engine, and the cure is a new process.
 */
export class SocketPGlite extends PGlite {
  override async execProtocolRawStream(...args: Parameters<PGlite['execProtocolRawStream']>): Promise<void> {
    try {
      await super.execProtocolRawStream(...args);
    } catch (error) {
      process.stderr.write(`PGlite failed: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(70);
    }
  }
}
