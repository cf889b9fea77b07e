/**
 * Measures the turns of the event loop of `weir serve`, for tests. Node loads it into the server before the program
 * (`NODE_OPTIONS=--import`). A timer fires once a turn; between two of its calls lies one turn, or several short ones. The
 * kernel's statistics say how much of that time the main thread was on a CPU, so that a busy machine does not count.
 *
 * The longest turn goes to the file `WEIR_TURN_PROBE` with each `SIGUSR2`, after which the next measurement begins.
 */
import { openSync, readSync, renameSync, writeFileSync } from 'node:fs';

/** What the probe writes. */
export interface TurnReport {
  /** Counts the reports. */
  readonly number: number;
  /** CPU time of the longest turn, milliseconds. */
  readonly cpuMs: number;
  /** Time of the longest turn, milliseconds. */
  readonly wallMs: number;
  /** CPU time of the main thread since the last report, milliseconds. */
  readonly totalCpuMs: number;
}

const file = process.env.WEIR_TURN_PROBE;
if (file !== undefined && process.argv.includes('serve') && process.argv[1]?.includes('weir')) probe(file);

function probe(path: string): void {
  const statistics = openSync('/proc/self/schedstat', 'r');
  const buffer = Buffer.alloc(128);
  const cpuMs = (): number => {
    const length = readSync(statistics, buffer, 0, buffer.length, 0);
    return Number(buffer.toString('latin1', 0, length).split(' ', 1)[0]) / 1e6;
  };
  let number = 0;
  let longestCpu = 0;
  let longestWall = 0;
  let lastCpu = cpuMs();
  let lastWall = performance.now();
  let reportedCpu = lastCpu;
  setInterval(() => {
    const cpu = cpuMs();
    const wall = performance.now();
    longestCpu = Math.max(longestCpu, cpu - lastCpu);
    longestWall = Math.max(longestWall, wall - lastWall);
    lastCpu = cpu;
    lastWall = wall;
  }, 1).unref();
  process.on('SIGUSR2', () => {
    number += 1;
    const report: TurnReport = {
      number,
      cpuMs: longestCpu,
      wallMs: longestWall,
      totalCpuMs: lastCpu - reportedCpu,
    };
    writeFileSync(`${path}.new`, JSON.stringify(report));
    renameSync(`${path}.new`, path);
    longestCpu = 0;
    longestWall = 0;
    reportedCpu = lastCpu;
  });
}
