/** A failure as ClickHouse's HTTP interface tells it: a code, its name, a text. */
export class EngineException extends Error {
  readonly code: number;
  readonly codeName: string;
  /** The whole body: `Code: N. DB::Exception: … (NAME)`. */
  readonly text: string;

  constructor(code: number, name: string, message: string) {
    super(message);
    this.name = 'EngineException';
    this.code = code;
    this.codeName = name;
    this.text = `Code: ${code}. DB::Exception: ${message} (${name})`;
  }

  /** Reads an error of chDB, whose message is ClickHouse's own text; sometimes it is wrapped in itself. */
  static from(thrown: unknown): EngineException {
    if (thrown instanceof EngineException) return thrown;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const errno = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (errno === 'ENOSPC') return new EngineException(243, 'NOT_ENOUGH_SPACE', 'No space left on device');
    if (/^E[A-Z]+$/.test(errno)) return new EngineException(425, 'SYSTEM_ERROR', `System error ${errno}`);
    const parsed =
      /Code: (\d+)\. DB::Exception: (?:Code: \d+\. DB::Exception: )?([\s\S]*?)\s*\(([A-Z][A-Z0-9_]{2,})\)(?: \(version [^)]*\).*)?\s*$/.exec(
        text,
      );
    const [, code, message, name] = parsed ?? [];
    if (code === undefined || message === undefined || name === undefined) {
      return new EngineException(1002, 'UNKNOWN_EXCEPTION', text);
    }
    // A wrapped text repeats its own ending.
    const inner = message.replace(new RegExp(`\\s*\\(${name}\\)(?: \\(version [^)]*\\))?\\.?\\s*$`), '');
    return new EngineException(Number(code), name, inner);
  }

  /** The HTTP status ClickHouse gives this code. */
  get status(): number {
    return STATUS_OF_CODE.get(this.code) ?? 500;
  }
}

// As ClickHouse's exceptionCodeToHTTPStatus has it, for the codes that matter to a client.
const STATUS_OF_CODE: ReadonlyMap<number, number> = new Map([
  ...[6, 26, 27, 33, 36, 38, 41, 42, 43, 53, 62, 69, 70, 72, 117, 456, 457].map(
    (code) => [code, 400] as const,
  ),
  ...[192, 193, 194, 497, 516].map((code) => [code, 403] as const),
  ...[16, 46, 47, 50, 56, 60, 81, 115].map((code) => [code, 404] as const),
  [159, 408],
  [160, 408],
  [223, 413],
  [202, 503],
  [209, 503],
  [439, 503],
  [48, 501],
]);
