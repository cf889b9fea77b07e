/** The resources of one statement. */
export interface EngineUse {
  /**
   * The engine's own time, milliseconds, without waits for a slow reader. If the engine did not report it, the time
   * since the statement was sent.
   */
  readonly engineMs: number;
  /** Rows read, including other projects' rows in the same blocks: only for the operator. 0 if unknown. */
  readonly readRows: number;
  readonly readBytes: number;
  /** Peak memory, bytes; 0 if unknown. */
  readonly memoryBytes: number;
  /**
   * Whether the answer was read completely, or as far as requested; false if it failed, its client disconnected or its
   * time ran out.
   */
  readonly ok: boolean;
}

/** Receives the use of each statement. Its callbacks must not throw. */
export interface EngineMeter {
  /**
   * Called before a statement is sent. The returned function is called once, when the engine has finished the statement
   * for any reason; that may be after its answer ended.
   */
  begun(): (use: EngineUse) => void;
}

/** Options of every method that queries the engine. */
export interface MeterOptions {
  /** Default none. */
  readonly meter?: EngineMeter | undefined;
}
