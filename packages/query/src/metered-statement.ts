import type { QueryUse } from '@weir/clickhouse';
import type { EngineMeter, EngineUse } from './engine-meter.js';

/** One statement and its meter: started on construction, ended once, by the first event that determines its end. */
export class MeteredStatement {
  readonly #startedAt = performance.now();
  #ended: ((use: EngineUse) => void) | undefined;
  #isEnough = false;
  #use: QueryUse | undefined;
  #stoppedAt: number | undefined;

  constructor(meter: EngineMeter | undefined) {
    this.#ended = meter?.begun();
  }

  /** Marks the statement as stopped: time after this is not charged to it. */
  stopped(): void {
    this.#stoppedAt ??= performance.now();
  }

  /** Whether its end has not been reported yet. */
  get isOpen(): boolean {
    return this.#ended !== undefined;
  }

  /** The use that the engine reported; undefined until then. */
  get use(): QueryUse | undefined {
    return this.#use;
  }

  /** Marks the answer as sufficient: stopping the rest is then not a failure. */
  enough(): void {
    this.#isEnough = true;
  }

  /** The engine has finished the statement. */
  end(outcome: 'whole' | 'stopped', use: QueryUse | undefined): void {
    this.#use ??= use;
    const ended = this.#ended;
    this.#ended = undefined;
    ended?.({
      engineMs: use?.elapsedMs ?? (this.#stoppedAt ?? performance.now()) - this.#startedAt,
      readRows: use?.readRows ?? 0,
      readBytes: use?.readBytes ?? 0,
      memoryBytes: use?.memoryBytes ?? 0,
      ok: outcome === 'whole' || this.#isEnough,
    });
  }
}
