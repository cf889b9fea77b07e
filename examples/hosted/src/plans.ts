/** The plan of each project: a table that a billing system writes and this process follows. */
import { readFile } from 'node:fs/promises';

/** What a customer pays for. */
export interface Plan {
  readonly name: string;
  /** Whether queries, schema and MCP are part of it; events are always taken. */
  readonly hasAnalysis: boolean;
  readonly requestsPerSecond: number;
}

const FREE: Plan = { name: 'free', hasAnalysis: false, requestsPerSecond: 5 };
const PLANS: readonly Plan[] = [FREE, { name: 'pro', hasAnalysis: true, requestsPerSecond: 500 }];
const POLL_MS = 500;

/** Plans by project. Reads are synchronous: seams are asked on the request path and must not wait. */
export class PlanTable {
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;
  #plans: ReadonlyMap<string, Plan> = new Map();

  /** @param path a JSON file of project ids and names of plans, `{"0198…": "pro"}` */
  constructor(path: string) {
    this.#path = path;
    this.#timer = setInterval(() => void this.#read(), POLL_MS);
    void this.#read();
  }

  /** A project's plan; free if the table does not contain the project. */
  of(projectId: string): Plan {
    return this.#plans.get(projectId) ?? FREE;
  }

  /** Stops following. */
  close(): void {
    clearInterval(this.#timer);
  }

  /** What cannot be read leaves what was known: a broken table must not cut customers off. */
  async #read(): Promise<void> {
    try {
      const table: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      const rows = Object.entries(table ?? {}).map(
        ([project, name]) => [project, PLANS.find((plan) => plan.name === name) ?? FREE] as const,
      );
      this.#plans = new Map(rows);
    } catch (error) {
      console.error(`plans: ${String(error)}`);
    }
  }
}
