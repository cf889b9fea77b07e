import type { Jq } from 'jq-wasm';

// jq is the original program, compiled to WebAssembly. Each run compiles the jq expression, which takes 1 to 2 ms
// regardless of the number of inputs. Events therefore run in batches, and a marker separates the outputs of each
// event. jq passes numbers that it does not calculate with as text, so they keep all digits.

/** The jq outputs of one input as JSON lines, or the error. */
export type JqResult =
  | { readonly lines: readonly string[]; readonly error?: never }
  | { readonly error: string; readonly lines?: never };

/** Compiles an expression; returns jq's error message, or undefined if it is valid. */
export function jqSyntaxError(jq: Jq, expression: string): string | undefined {
  // Without inputs, jq compiles the program but does not run it.
  for (const program of [expression, wrapped(expression)]) {
    const { exitCode, stderr } = jq.raw('', program, ['-c']);
    if (exitCode !== 0) return stderr.trim();
  }
  return undefined;
}

/** Runs an expression on each input, a JSON text without line breaks. Results are in the order of the inputs. */
export function runJq(jq: Jq, expression: string, inputs: readonly string[]): readonly JqResult[] {
  const results: JqResult[] = [];
  while (results.length < inputs.length) {
    const { stdout, stderr, exitCode } = jq.raw(
      inputs.slice(results.length).join('\n'),
      wrapped(expression),
      ['-c'],
    );
    const finished = read(stdout);
    results.push(...finished.results);
    // `halt` and `halt_error` terminate jq: run the remaining inputs again.
    if (results.length < inputs.length) {
      results.push(exitCode === 0 ? { lines: finished.rest } : { error: stderr.trim() });
    }
  }
  return results;
}

// Outputs are [0,OUTPUT], an error is [1,ERROR], and [2] ends an event. Disable `input`, which would read another event.
function wrapped(expression: string): string {
  return `def input: error("No more inputs"); def inputs: empty; (try ((\n${expression}\n) | [0, .]) catch [1, .]), [2]`;
}

function read(stdout: string): { results: JqResult[]; rest: string[] } {
  const results: JqResult[] = [];
  let lines: string[] = [];
  let error: string | undefined;
  for (const line of stdout.split('\n')) {
    if (line === '[2]') {
      results.push(error === undefined ? { lines } : { error });
      lines = [];
      error = undefined;
    } else if (line.startsWith('[0,')) lines.push(line.slice(3, -1));
    else if (line.startsWith('[1,')) error = messageOf(line.slice(3, -1));
  }
  return { results, rest: lines };
}

function messageOf(json: string): string {
  const value: unknown = JSON.parse(json);
  return typeof value === 'string' ? value : `${json} (not a string)`;
}
