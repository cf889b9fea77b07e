/**
 * Protects a server on loopback against DNS rebinding: a page whose name resolves to 127.0.0.1 would have the same
 * origin as this server, and could read local-only routes such as /metrics. Its requests carry its own name as Host.
 */
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { Problem } from './problem.js';

const LOCAL = /^(localhost|[^.]+\.localhost|127(\.\d+){3}|\[::1\])$/;

/** Options of a {@link HostGuard}. */
export interface HostGuardOptions {
  /** `WEIR_PUBLIC_URL`; undefined if not set. */
  readonly publicUrl: string | undefined;
  /** `WEIR_HOST`. */
  readonly listening: string;
  /** `WEIR_ALLOWED_HOSTS`: host names, with or without a port, comma separated. */
  readonly allowed: string;
}

/** Checks Host headers. */
export class HostGuard {
  readonly #names = new Set<string>();
  readonly #isLocal: boolean;

  constructor({ publicUrl, listening, allowed }: HostGuardOptions) {
    const own = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
    for (const name of [...own, listening, ...allowed.split(',')]) this.#names.add(nameOf(name.trim()));
    this.#names.delete('');
    this.#isLocal = LOCAL.test(nameOf(listening));
  }

  /**
   * The problem with the Host of a request; null if it is accepted. A server that listens on other addresses than
   * loopback accepts any.
   */
  fault({ headers }: IncomingMessage): Problem | null {
    const { host } = headers;
    if (!this.#isLocal || host === undefined || host === '') return null;
    const name = nameOf(host);
    if (LOCAL.test(name) || this.#names.has(name)) return null;
    return new Problem('host_not_allowed', `this server does not answer to the name ${name.slice(0, 200)}`, {
      hint: 'set WEIR_PUBLIC_URL to the URL of this server, or name the host in WEIR_ALLOWED_HOSTS',
    });
  }
}

/** A host without its port, in lower case. */
function nameOf(host: string): string {
  if (isIPv6(host)) return `[${host.toLowerCase()}]`;
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}
