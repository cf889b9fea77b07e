/** How fast something was appended to. */
export interface Appends {
  readonly perSecond: number;
  /** From the call to its answer, milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/**
 * Appends for so long with so many on their way, one more for each that is answered.
 * @param append resolves when it is stored
 * @param most ends it earlier
 */
export async function appendInWindow(
  append: (n: number) => Promise<unknown>,
  { window, seconds, most = Number.POSITIVE_INFINITY }: WindowOptions,
): Promise<Appends> {
  const waits: number[] = [];
  const begun = performance.now();
  const ends = begun + seconds * 1_000;
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < ends && sent < most) {
      const n = sent;
      sent += 1;
      const at = performance.now();
      await append(n);
      waits.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: window }, lane));
  const elapsed = (performance.now() - begun) / 1_000;
  return { perSecond: waits.length / elapsed, ...quantiles(waits) };
}

/** How much at once, and how long. */
export interface WindowOptions {
  readonly window: number;
  readonly seconds: number;
  readonly most?: number;
}

/** The middle one and the 99th of a hundred. */
export function quantiles(values: number[]): { readonly p50: number; readonly p99: number } {
  values.sort((a, b) => a - b);
  const at = (share: number): number => values[Math.floor(share * values.length)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
