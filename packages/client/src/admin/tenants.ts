import type { Connection } from '../http/connection.js';
import { documentOf, documentsOf, wireOf } from '../http/document.js';
import { type Usage, type UsageOptions, usageAt } from '../usage/usage.js';

const TENANTS = '/api/v1/admin/tenants';

/** What is decided about a project. A limit of 0 is that of the installation. */
export interface TenantSettings {
  /** False refuses everything, as `suspended` does; the two are apart so that one does not undo the other. */
  readonly enabled: boolean;
  /** True refuses everything. */
  readonly suspended: boolean;
  /** The status of a refusal. */
  readonly denyStatus: 402 | 403;
  readonly denyReason: string | null;
  readonly rateLimitRps: number;
  /** 0 is twice the rate. */
  readonly rateBurst: number;
  readonly concurrencyLimit: number;
  readonly channelRateLimitRps: number;
  readonly channelRateBurst: number;
  readonly channelMessages: number;
  readonly channelMessageBytes: number;
  readonly channelBytes: number;
  readonly channelsPerProcess: number;
}

/** A project's settings. */
export interface Tenant extends TenantSettings {
  readonly projectId: string;
  /** In lists. */
  readonly name?: string;
}

/** Suspension and limits of projects, for the operator; see docs/hosting.md. */
export class Tenants {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All projects with their settings. */
  async list(): Promise<Tenant[]> {
    return documentsOf(await this.#connection.json({ path: TENANTS }), 'tenants');
  }

  /** The settings of a project. @throws WeirError `not_found` */
  async get(project: string): Promise<Tenant> {
    return documentOf(await this.#connection.json({ path: pathOf(project) }));
  }

  /** Changes settings; what is left out stays as it is. @throws WeirError `not_found`, `invalid_request` */
  async set(project: string, changes: Partial<TenantSettings>): Promise<Tenant> {
    const body = wireOf(changes);
    return documentOf(await this.#connection.json({ method: 'PUT', path: pathOf(project), body }));
  }

  /** Totals of a project, or of `_sys`: requests that belong to no project. @throws WeirError `usage_disabled` */
  async usage(project: string, options: UsageOptions = {}): Promise<Usage> {
    return await usageAt(this.#connection, `${pathOf(project)}/usage`, options);
  }
}

function pathOf(project: string): string {
  return `${TENANTS}/${encodeURIComponent(project)}`;
}
