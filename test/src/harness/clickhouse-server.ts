import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClickHouse, connectClickHouse, type Engine, startEngine } from '@weir/clickhouse';
import { FaultProxy } from './fault-proxy.js';

/** A ClickHouse that answers on a URL, as a user's own does: an engine of the test's, behind a network with faults. */
export class ClickHouseServer {
  /** The network before it. */
  readonly network: FaultProxy;
  /** A way in past the network, for the test itself. */
  readonly direct: ClickHouse;
  /** For WEIR_CLICKHOUSE_URL. */
  readonly url: string;
  readonly #engine: Engine;
  readonly #dataDir: string;

  private constructor(engine: Engine, network: FaultProxy, dataDir: string) {
    this.#engine = engine;
    this.#dataDir = dataDir;
    this.network = network;
    this.direct = connectClickHouse(engine.target);
    const { username, password } = engine.target.admin;
    this.url = `http://${username}:${password}@127.0.0.1:${network.port}`;
  }

  /** Starts one with no data. */
  static async start(): Promise<ClickHouseServer> {
    const dataDir = mkdtempSync(join(tmpdir(), 'weir-clickhouse-'));
    const engine = await startEngine({ dataDir });
    const network = await FaultProxy.before({ path: engine.target.socketPath });
    return new ClickHouseServer(engine, network, dataDir);
  }

  /** Ends it and removes its data. */
  async close(): Promise<void> {
    await this.direct.close();
    await this.network.close();
    await this.#engine.close();
    rmSync(this.#dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
