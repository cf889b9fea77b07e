import { createHash, timingSafeEqual } from 'node:crypto';
import { EngineException } from './engine-exception.js';

/** The users of the engine: the server itself, a tenant's query, or the parser of a tenant's text. */
export type EngineUser = 'admin' | 'reader' | 'parser';

/** Checks HTTP basic credentials against the passwords of this start. */
export class Users {
  readonly #digests: readonly (readonly [EngineUser, Buffer])[];

  constructor(passwords: Readonly<Record<EngineUser, string>>) {
    this.#digests = [
      ['admin', digest('admin', passwords.admin)],
      ['reader', digest('reader', passwords.reader)],
      ['parser', digest('parser', passwords.parser)],
    ];
  }

  /** The user that an `Authorization` header authenticates; throws ClickHouse's AUTHENTICATION_FAILED. */
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
