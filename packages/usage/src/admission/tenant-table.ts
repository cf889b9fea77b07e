import { Tenant } from './tenant.js';
import { DEFAULT_TENANT_STATE, type TenantState } from './tenant-state.js';

/** The tenants of this node with a state: the hot path reads them without I/O. */
export class TenantTable {
  readonly #tenants = new Map<string, Tenant>();
  #states: ReadonlyMap<string, TenantState> = new Map();

  /** The tenant; undefined if it has no state. */
  find(projectId: string): Tenant | undefined {
    return this.#tenants.get(projectId);
  }

  /** All states, by project. */
  get states(): ReadonlyMap<string, TenantState> {
    return this.#states;
  }

  /**
   * Replaces the states of all tenants. Remaining tenants keep their tokens and leases; a removed tenant stays while it
   * has leases.
   * @param now milliseconds of the gate's clock
   */
  replace(states: ReadonlyMap<string, TenantState>, now: number): void {
    for (const [projectId, tenant] of this.#tenants) {
      if (states.has(projectId)) continue;
      if (tenant.running === 0) this.#tenants.delete(projectId);
      else tenant.change(DEFAULT_TENANT_STATE, now);
    }
    for (const [projectId, state] of states) {
      const known = this.#tenants.get(projectId);
      if (known === undefined) this.#tenants.set(projectId, new Tenant(state, now));
      else known.change(state, now);
    }
    this.#states = states;
  }
}
