import type { Jq } from 'jq-wasm';

// jq is the real one, compiled to WebAssembly. A run costs a millisecond or two for compiling the program, however
// many inputs it has. So events are run in batches, by a program that marks where each event's outputs end. Numbers
// that jq does not calculate with keep their digits: they stay text from end to end.

/** What jq made of one input: lines of JSON, or why it could not. */
export type JqResult =
  | { readonly lines: readonly string[]; readonly error?: never }
  | { readonly error: string; readonly lines?: never };

/** jq's message on an expression that is none; undefined for a right one. */
export function jqSyntaxError(jq: Jq, expression: string): string | undefined {
  // Without inputs a program is compiled and never run.
  for (const program of [expression, wrapped(expression)]) {
    const { exitCode, stderr } = jq.raw('', program, ['-c']);
    if (exitCode !== 0) return stderr.trim();
  }
  return undefined;
}

/** Runs an expression on each input, a JSON text without line breaks; results are in their order. */
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
    // `halt` and `halt_error` end jq: the rest of the inputs get a run of their own.
    if (results.length < inputs.length) {
      results.push(exitCode === 0 ? { lines: finished.rest } : { error: stderr.trim() });
    }
  }
  return results;
}

// Outputs are [0,OUTPUT], an error is [1,ERROR], and [2] ends an event. `input` is another event's: there is none.
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
