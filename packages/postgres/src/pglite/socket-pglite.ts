import { PGlite } from '@electric-sql/pglite';

/**
 * PGlite for the socket server, whose queue stops permanently once a message fails with an exception. SQL errors are
 * answers, not exceptions: an exception here means a broken engine, which only a new process repairs.
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
