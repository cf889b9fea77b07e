import type { InstallationSettings } from '@weir/accounts';
import type { Flags } from '@weir/ingest';

/**
 * The ingest kill switch: thrown by `WEIR_INGEST_DISABLED` at start on this node, or by the operator on all nodes,
 * which outlives restarts. What the operator says later overrides the variable until the next start.
 */
export class KillSwitch {
  readonly #settings: InstallationSettings;
  readonly #flags: Flags;
  #startsDisabled: boolean;

  constructor(settings: InstallationSettings, flags: Flags, startsDisabled: boolean) {
    this.#settings = settings;
    this.#flags = flags;
    this.#startsDisabled = startsDisabled;
    this.#apply();
    settings.onChange(() => this.#apply());
  }

  /** Whether ingest is switched off on this node. */
  get disabled(): boolean {
    return this.#flags.disabled;
  }

  /** Switches ingest off or on: here at once, on every other node within 2 s. */
  async set(disabled: boolean): Promise<void> {
    await this.#settings.setIngestDisabled(disabled);
    this.#startsDisabled = false;
    this.#apply();
  }

  #apply(): void {
    this.#flags.setDisabled(this.#startsDisabled || this.#settings.ingestDisabled);
  }
}
