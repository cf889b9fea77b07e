import type { Flags } from '@weir/ingest';

/** How often a server says that it takes no events, milliseconds. */
const REMIND_MS = 5 * 60_000;

/** What the operator has decided, as `InstallationSettings` keeps it. */
interface SwitchSetting {
  readonly ingestDisabled: boolean;
  onChange(listener: () => void): () => void;
  setIngestDisabled(disabled: boolean): Promise<unknown>;
}

/** What a {@link KillSwitch} works with. */
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
 * The ingest kill switch: thrown by `WEIR_INGEST_DISABLED` at start on this node, or by the operator on all nodes,
 * which outlives restarts. What the operator says later overrides the variable until the next start. While it is on, the log
 * has a warning at once and every few minutes: each event of that time is refused.
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

  /** Whether ingest is switched off on this node. */
  get disabled(): boolean {
    return this.#parts.flags.disabled;
  }

  /** Switches ingest off or on: here at once, on every other node within 2 s. */
  async set(disabled: boolean): Promise<void> {
    await this.#parts.settings.setIngestDisabled(disabled);
    this.#startsDisabled = false;
    this.#apply();
  }

  /** Ends the warnings. */
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
      logger.info({}, 'ingest is switched on');
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
