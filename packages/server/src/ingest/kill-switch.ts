import type { Flags } from '@weir/ingest';

/** How often a server warns that it rejects events, milliseconds. */
const REMIND_MS = 5 * 60_000;

/** The operator's setting, as `InstallationSettings` stores it. */
interface SwitchSetting {
  readonly ingestDisabled: boolean;
  onChange(listener: () => void): () => void;
  setIngestDisabled(disabled: boolean): Promise<unknown>;
}

/** Dependencies of a {@link KillSwitch}. */
export interface KillSwitchParts {
  readonly settings: SwitchSetting;
  readonly flags: Flags;
  readonly logger: {
    warn(fields: object, message: string): void;
    info(fields: object, message: string): void;
  };
  /** `WEIR_INGEST_DISABLED`. */
  readonly startsDisabled: boolean;
  /** Default 5 minutes. */
  readonly remindMs?: number;
}

/**
 * The ingest kill switch. `WEIR_INGEST_DISABLED` sets it at the start of this node; the operator sets it on all nodes,
 * across restarts. A later setting of the operator overrides the variable until the next start. While ingest is
 * disabled, the log has a warning at once and every few minutes, because each event is rejected.
 */
export class KillSwitch {
  readonly #parts: KillSwitchParts;
  #startsDisabled: boolean;
  #reminder: NodeJS.Timeout | null = null;

  constructor(parts: KillSwitchParts) {
    this.#parts = parts;
    this.#startsDisabled = parts.startsDisabled;
    this.#apply();
    parts.settings.onChange(() => this.#apply());
  }

  /** Whether ingest is disabled on this node. */
  get disabled(): boolean {
    return this.#parts.flags.disabled;
  }

  /** Disables or enables ingest: here at once, on every other node within 2 s. */
  async set(disabled: boolean): Promise<void> {
    await this.#parts.settings.setIngestDisabled(disabled);
    this.#startsDisabled = false;
    this.#apply();
  }

  /** Stops the warnings. */
  close(): void {
    if (this.#reminder !== null) clearInterval(this.#reminder);
    this.#reminder = null;
  }

  #apply(): void {
    const { flags, settings, logger, remindMs = REMIND_MS } = this.#parts;
    flags.setDisabled(this.#startsDisabled || settings.ingestDisabled);
    if (flags.disabled === (this.#reminder !== null)) return;
    if (!flags.disabled) {
      this.close();
      logger.info({}, 'ingest is enabled');
      return;
    }
    this.#warn();
    this.#reminder = setInterval(() => this.#warn(), remindMs);
    this.#reminder.unref();
  }

  #warn(): void {
    const by = this.#startsDisabled ? 'WEIR_INGEST_DISABLED' : 'the operator';
    const hint = this.#startsDisabled
      ? 'unset the variable and restart, or run "weir ingest enable"'
      : 'run "weir ingest enable"';
    this.#parts.logger.warn(
      { by, hint },
      'ingest is switched off: every event is refused with 503 ingest_disabled',
    );
  }
}
