/** The state of the write path that every request and health check reads. */
export class Flags {
  #fatal = false;
  #disabled = false;
  #draining = false;
  #dlqDepth = 0;

  /** Whether ClickHouse and the dead-letter queue failed in the same flush, and neither has worked since. */
  get fatal(): boolean {
    return this.#fatal;
  }

  setFatal(value: boolean): void {
    this.#fatal = value;
  }

  /** Whether the kill switch is on. */
  get disabled(): boolean {
    return this.#disabled;
  }

  setDisabled(value: boolean): void {
    this.#disabled = value;
  }

  /** Whether the server is shutting down. */
  get draining(): boolean {
    return this.#draining;
  }

  setDraining(value: boolean): void {
    this.#draining = value;
  }

  /** Events in dead letters that are still retried, at the last pass of the drainer. */
  get dlqDepth(): number {
    return this.#dlqDepth;
  }

  setDlqDepth(events: number): void {
    this.#dlqDepth = events;
  }
}
