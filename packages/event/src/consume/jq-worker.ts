import { parentPort, workerData } from 'node:worker_threads';
import { loadJq } from 'jq-wasm';
import * as z from 'zod';
import { jqSyntaxError, runJq } from './jq-program.js';

// Run jq in a worker thread: an expression may loop forever, and only a thread can be terminated.

const expression = z.string().parse(workerData);
const jq = await loadJq();
const error = jqSyntaxError(jq, expression);
parentPort?.postMessage({ error });
parentPort?.on('message', (inputs: readonly string[]) => {
  parentPort?.postMessage(runJq(jq, expression, inputs));
});
