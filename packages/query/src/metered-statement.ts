import type { QueryUse } from '@weir/clickhouse';
import type { EngineMeter, EngineUse } from './engine-meter.js';

/** One statement before its meter: begun when it is made, ended once, by whoever knows its end first. */
export class MeteredStatement {
  readonly #startedAt = performance.now();
  #ended: ((use: EngineUse) => void) | undefined;
  #isEnough = false;
  #use: QueryUse | undefined;
  #stoppedAt: number | undefined;

  constructor(meter: EngineMeter | undefined) {
    this.#ended = meter?.begun();
  }

  /** It is told to stop: what passes from now on is not its doing. */
  stopped(): void {
    this.#stoppedAt ??= performance.now();
  }

  /** Whether somebody still has to be told of its end. */
  get isOpen(): boolean {
    return this.#ended !== undefined;
  }

  /** What the engine said it has used, once that is known. */
  get use(): QueryUse | undefined {
    return this.#use;
  }

  /** Its reader has what it wants: that the rest is stopped will be no failure. */
  enough(): void {
    this.#isEnough = true;
  }

  /** The engine has let go of it. */
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
