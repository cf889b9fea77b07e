/**
 * Preloaded into a server (`node --import`), measures how much processor time the main thread spends in one turn of its
 * event loop. SIGUSR2 begins a measurement; the next one ends it and prints `turns <longest> <second> … <count>`.
 * Processor time, not wall time: other processes of the machine do not count.
 */
import { openSync, readSync } from 'node:fs';

/** Of the main thread: nanoseconds on a processor come first. */
const SCHEDULED = '/proc/self/schedstat';
/** How many of the longest turns are printed. */
const LONGEST = 5;

/** Starts listening for the signal. */
function install(): void {
  const file = openSync(SCHEDULED, 'r');
  const text = Buffer.alloc(64);
  const processorMs = (): number => {
    const length = readSync(file, text, 0, text.length, 0);
    return Number(text.toString('latin1', 0, text.indexOf(0x20)).slice(0, length)) / 1e6;
  };
  let isMeasuring = false;
  let longest: number[] = [];
  let count = 0;
  let last = 0;
  const measure = (): void => {
    const now = processorMs();
    count += 1;
    longest.push(now - last);
    last = now;
    if (longest.length > 100) keepLongest();
    if (isMeasuring) setImmediate(measure);
  };
  const keepLongest = (): void => {
    longest = longest.sort((a, b) => b - a).slice(0, LONGEST);
  };
  process.on('SIGUSR2', () => {
    isMeasuring = !isMeasuring;
    if (isMeasuring) {
      [longest, count] = [[], 0];
      last = processorMs();
      setImmediate(measure);
      return;
    }
    keepLongest();
    process.stdout.write(`turns ${longest.map((ms) => ms.toFixed(1)).join(' ')} of ${count}\n`);
  });
}

// Child processes of the server inherit the option.
if (process.argv.includes('serve')) install();
