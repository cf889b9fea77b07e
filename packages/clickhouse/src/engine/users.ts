import { createHash, timingSafeEqual } from 'node:crypto';
import { EngineException } from './engine-exception.js';

/** Who may use the engine: the server for itself, for a tenant's query, or to have a tenant's text parsed. */
export type EngineUser = 'admin' | 'reader' | 'parser';

/** Checks HTTP basic credentials against this start's passwords. */
export class Users {
  readonly #digests: readonly (readonly [EngineUser, Buffer])[];

  constructor(passwords: Readonly<Record<EngineUser, string>>) {
    this.#digests = [
      ['admin', digest('admin', passwords.admin)],
      ['reader', digest('reader', passwords.reader)],
      ['parser', digest('parser', passwords.parser)],
    ];
  }

  /** The user an `Authorization` header proves; throws ClickHouse's AUTHENTICATION_FAILED. */
  authenticate(authorization: string | undefined): EngineUser {
    const encoded = /^Basic ([A-Za-z0-9+/=]+)$/.exec(authorization ?? '')?.[1] ?? '';
    const [, name = '', password = ''] =
      /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
    const given = digest(name, password);
    for (const [user, expected] of this.#digests) {
      if (timingSafeEqual(given, expected)) return user;
    }
    throw new EngineException(516, 'AUTHENTICATION_FAILED', 'Authentication failed');
  }
}

function digest(name: string, password: string): Buffer {
  return createHash('sha256').update(`${name}\n${password}`).digest();
}
