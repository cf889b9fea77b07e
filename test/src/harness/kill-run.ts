import { describeKills, killRepeatedly } from './killer.js';
import { Load } from './load.js';
import { type Reckoning, reckon } from './reckoning.js';
import { WeirProcess } from './weir-process.js';

/** Outcome of {@link runKills}. */
export interface KillRun {
  /** What was done and found, in a line. */
  readonly summary: string;
  readonly reckoning: Reckoning;
  /** States of the receipts that were kept on the way, each once. */
  readonly receiptStates: readonly string[];
}

/** A server under load, killed so many times, and what is stored of all that was acknowledged. */
export async function runKills(options: { readonly kills: number; readonly seed: number }): Promise<KillRun> {
  const weir = new WeirProcess({ WEIR_INGEST_FLUSH_INTERVAL: '200ms', WEIR_INGEST_FLUSH_EVENTS: '500' });
  try {
    await weir.start();
    const load = new Load({
      url: weir.url,
      token: weir.token,
      batches: [50, 20, 20, 1, 1],
      seed: options.seed,
    });
    const counts = await killRepeatedly(weir, load, options);
    await load.stop();
    await weir.settled();
    const reckoning = reckon(load, await weir.storedIds());
    const states = new Set<string>();
    for (const receipt of load.receipts) {
      const { text } = await weir.request('GET', `/api/v1/ingest/receipts/${receipt}`, {
        headers: { authorization: `Bearer ${weir.token}` },
      });
      states.add((JSON.parse(text) as { state?: string }).state ?? text);
    }
    const { acknowledged, lost, twice, strange } = reckoning;
    return {
      summary: `${describeKills(counts)}; ${acknowledged} acknowledged, ${lost} lost, ${twice} twice, ${strange} strange`,
      reckoning,
      receiptStates: [...states],
    };
  } finally {
    await weir.dispose();
  }
}
