/**
 * The load generator, a process of its own: keeps a number of connections busy for a number of seconds and prints
 * what it saw as one line of JSON.
 *
 *     node generator.js '{"host":"127.0.0.1","port":8080,"path":"/…","token":"…","events":100,"connections":32,"seconds":60}'
 */
import { LoadConnection } from './connection.js';
import { requestTemplate } from './requests.js';

/** What to do. */
export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly token: string;
  /** Events a request. */
  readonly events: number;
  readonly connections: number;
  readonly seconds: number;
}

/** What happened. */
export interface LoadResult {
  readonly seconds: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly eventsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Answers by HTTP status; 0 stands for a broken connection. */
  readonly statuses: Readonly<Record<string, number>>;
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  const template = requestTemplate(plan.path, `${plan.host}:${plan.port}`, plan.token, plan.events);
  // Ids of different runs do not meet.
  let nextId = (Date.now() % 1e7) * 1e5;
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const started = performance.now();
  const ends = started + plan.seconds * 1000;
  await Promise.all(
    Array.from(
      { length: plan.connections },
      () =>
        new Promise<void>((resolve) => {
          const next = (): void => {
            template.setIds(nextId);
            nextId += plan.events;
            connection.send(template.bytes);
          };
          const connection = new LoadConnection(plan.host, plan.port, (status, milliseconds) => {
            statuses[status] = (statuses[status] ?? 0) + 1;
            latencies.push(milliseconds);
            if (status === 0 || performance.now() >= ends) {
              connection.close();
              resolve();
            } else if (status === 503) {
              setTimeout(next, 50);
            } else {
              next();
            }
          });
          next();
        }),
    ),
  );
  const seconds = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  const quantile = (q: number): number => round(latencies[Math.floor((latencies.length - 1) * q)] ?? 0);
  const accepted = (statuses['202'] ?? 0) + (statuses['200'] ?? 0);
  return {
    seconds: round(seconds),
    requests: latencies.length,
    requestsPerSecond: Math.round(accepted / seconds),
    eventsPerSecond: Math.round((accepted * plan.events) / seconds),
    p50: quantile(0.5),
    p99: quantile(0.99),
    max: quantile(1),
    statuses,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

// The cast holds: ingest.ts is the only caller.
const plan = JSON.parse(process.argv[2] ?? '{}') as LoadPlan;
process.stdout.write(`${JSON.stringify(await run(plan))}\n`);
