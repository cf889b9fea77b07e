/** What the engine spent on one statement. */
export interface EngineUse {
  /**
   * The engine's own time, in milliseconds: what a slow reader kept it waiting is not in it. Where the engine could not be
   * asked, the time since the statement was sent.
   */
  readonly engineMs: number;
  /** Rows read, other projects' rows in the same blocks among them: for the operator alone. 0 where it is not known. */
  readonly readRows: number;
  readonly readBytes: number;
  /** Peak memory, in bytes; 0 where it is not known. */
  readonly memoryBytes: number;
  /** Whether the answer was read whole, or as far as was wanted; not where it failed, its client left or its time was up. */
  readonly ok: boolean;
}

/** Told of the engine's share of an answer. What it is given to call must not throw. */
export interface EngineMeter {
  /**
   * A statement is about to be sent. What is returned is called once, when the engine has let go of the statement, however
   * it ended: that may be after its answer was.
   */
  begun(): (use: EngineUse) => void;
}

/** An option of whatever asks the engine. */
export interface MeterOptions {
  /** Default none. */
  readonly meter?: EngineMeter | undefined;
}
