import { parentPort, workerData } from 'node:worker_threads';
import { loadJq } from 'jq-wasm';
import * as z from 'zod';
import { jqSyntaxError, runJq } from './jq-program.js';

// A thread of its own: an expression may run for ever, and then nothing but its end would stop a process that runs it.

const expression = z.string().parse(workerData);
const jq = await loadJq();
const error = jqSyntaxError(jq, expression);
parentPort?.postMessage({ error });
parentPort?.on('message', (inputs: readonly string[]) => {
  parentPort?.postMessage(runJq(jq, expression, inputs));
});
