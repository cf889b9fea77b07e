/**
 * A server with two projects: the attacker's, and a neighbour's full of canaries. There is a canary in a file of the
 * host and in the server's environment too. An attack succeeds when any of them is in what it is answered.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AppWall } from '@weir/server/testing';
import { connectMcp, type McpClient } from '../harness/mcp-client.js';
import { waitUntil } from '../harness/wait-until.js';
import { WeirProcess } from '../harness/weir-process.js';

/** How the attacker's SQL comes in. */
export const SURFACES = ['REST', 'MCP'] as const;
export type Surface = (typeof SURFACES)[number];

/** All of them. */
export const WALLS: readonly AppWall[] = ['gate', 'rights', 'rows'];

const SERVER = fileURLToPath(new URL('../../dist/isolation/walls-server.js', import.meta.url));
const CANARY = 'CANARY_7f3a';
const NEIGHBOURS = 40;
const OWN = 60;

/** What an attack was answered: everything the attacker gets to see. */
export interface Seen {
  readonly isRefused: boolean;
  readonly text: string;
  readonly code: string | undefined;
}

/** One server and what was planted around it. */
export class World {
  readonly weir: WeirProcess;
  /** A file of the host that holds a canary. */
  readonly file: string;
  /** A folder in which an attack may try to write. */
  readonly folder: string;
  neighbour = { project: '', token: '', key: '' };
  readonly #secrets: readonly string[];
  #mcp: McpClient | undefined;
  #enginePid: number | undefined;

  private constructor(weir: WeirProcess) {
    this.weir = weir;
    this.folder = join(weir.dataDir, 'writable');
    this.file = join(weir.dataDir, 'host-file.txt');
    this.#secrets = [CANARY, hostname(), weir.operatorKey, 'root:x:0', 'weir_base'];
  }

  /** Starts a server that lacks some walls. */
  static async start(without: readonly AppWall[]): Promise<World> {
    const environment = {
      WEIR_CANARY: `${CANARY}_env`,
      // Both projects' events go into one part: only rows side by side can be seen by mistake.
      WEIR_INGEST_FLUSH_INTERVAL: '3s',
      WEIR_QUERY_MAX_EXECUTION_TIME: '5s',
      WEIR_QUERY_MAX_MEMORY: '300MiB',
    };
    const weir = new WeirProcess(environment, undefined, [SERVER, ...without]);
    const world = new World(weir);
    mkdirSync(world.folder);
    writeFileSync(world.file, `${CANARY}_file\n`);
    await weir.start();
    await world.#plant();
    return world;
  }

  /** The attacker asks. */
  async ask(surface: Surface, sql: string, params: Readonly<Record<string, unknown>> = {}): Promise<Seen> {
    if (surface === 'MCP') {
      this.#mcp ??= await connectMcp('2026-07-28', 'http', {
        url: this.weir.url,
        key: this.weir.key,
        home: this.weir.dataDir,
      });
      const { isError, text, structured, code } = await this.#mcp.call('query', { sql, params });
      return { isRefused: isError, text: text + JSON.stringify(structured), code };
    }
    const { status, text } = await this.weir.request('POST', `/api/v1/projects/${this.weir.project}/query`, {
      headers: bearer(this.weir.key),
      body: JSON.stringify({ sql, params }),
    });
    const { code } = JSON.parse(text) as { code?: string };
    return { isRefused: status !== 200, text, code };
  }

  /** What of the secrets stands in an answer, beyond what the attack itself wrote. */
  leaked({ text }: Seen, sql: string): string | undefined {
    return this.#secrets.find((secret) => text.includes(secret) && !sql.includes(secret));
  }

  /** Whether the neighbour's rows are as they were, nothing was written, and the engine is still the same process. */
  async isUntouched(): Promise<boolean> {
    const { status, text } = await this.weir.request(
      'POST',
      `/api/v1/projects/${this.neighbour.project}/query`,
      {
        headers: bearer(this.neighbour.key),
        body: JSON.stringify({ sql: 'SELECT count(), uniqExact(distinct_id) FROM events' }),
      },
    );
    const isWhole = status === 200 && text.includes(`["${NEIGHBOURS}","${NEIGHBOURS}"]`);
    return isWhole && readdirSync(this.folder).length === 0 && this.weir.enginePid === this.#enginePid;
  }

  /** Ends the server and removes everything. */
  async close(): Promise<void> {
    await this.#mcp?.close();
    await this.weir.dispose();
  }

  async #plant(): Promise<void> {
    await waitUntil('all stores', () => this.weir.answers('/readyz?for=query'));
    const made = await this.weir.operator('POST', '/projects', { name: 'Neighbour' });
    const { id, ingest_token, api_key } = made.body as { id: string; ingest_token: string; api_key: string };
    this.neighbour = { project: id, token: ingest_token, key: api_key };
    await this.sendEvents();
    this.#enginePid = this.weir.enginePid;
  }

  /** Sends both projects' events, at once: rows of one insert lie side by side. */
  async sendEvents(): Promise<void> {
    const events = (count: number, name: string) =>
      Array.from({ length: count }, (_, i) => ({
        event: i % 10 === 0 ? '$identify' : name,
        timestamp: Date.UTC(2026, 10, 1, 0, i, name === CANARY ? 7 : 0),
        user_id: `${name}_user_${i}`,
        anonymous_id: `${name}_anonymous_${i}`,
        session_id: `${name}_session_${i % 5}`,
        properties: { [`${name}_key`]: `${name}_value_${i}`, n: i, $set: { name: `${name}_trait` } },
        more: `${name}_extra`,
      }));
    await Promise.all([
      this.weir.send({ events: events(OWN, 'own') }),
      this.weir.send({ events: events(NEIGHBOURS, CANARY) }, bearer(this.neighbour.token)),
    ]);
    await this.weir.settled();
  }
}

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
}
