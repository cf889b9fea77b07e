import { Tenant } from './tenant.js';
import { DEFAULT_TENANT_STATE, type TenantState } from './tenant-state.js';

/** The tenants of this node about whom something was decided: what the hot path reads, without any I/O. */
export class TenantTable {
  readonly #tenants = new Map<string, Tenant>();
  #states: ReadonlyMap<string, TenantState> = new Map();

  /** The tenant; undefined where nothing was decided about it. */
  find(projectId: string): Tenant | undefined {
    return this.#tenants.get(projectId);
  }

  /** All states, by project. */
  get states(): ReadonlyMap<string, TenantState> {
    return this.#states;
  }

  /**
   * Takes the states of all tenants in place of the last ones. Tokens and leases of tenants that stay are kept, and of
   * one that goes the leases for as long as it has any.
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
