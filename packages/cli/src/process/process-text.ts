import { sanitize } from '../output/sanitize.js';
import { formatTable } from '../output/table.js';
import type { ProcessDocument } from './process-document.js';

/** A process for people, a line a fact. */
export function processText(process: ProcessDocument): string {
  const { id, name, state, executor_type, attempt, channels, args, output, error } = process;
  const lines: [string, string | undefined][] = [
    ['Id', id],
    ['Name', name],
    ['State', state],
    ['Executor type', executor_type],
    ['Attempt', String(attempt)],
    ['Channels', channels.map((channel) => channel.name).join(', ') || undefined],
    ['Arguments', jsonText(args)],
    ['Output', jsonText(output)],
    ['Error', error ?? undefined],
    ['Submitted', process.created_at],
    ['Ended', process.closed_at ?? undefined],
  ];
  return lines
    .flatMap(([label, text]) => (text === undefined ? [] : [`${label.padEnd(13)}  ${sanitize(text)}\n`]))
    .join('');
}

/** Processes for people, a line each. */
export function processTable(processes: readonly ProcessDocument[]): string {
  const rows = processes.map(({ id, name, state, executor_type, attempt, created_at }) => [
    id,
    name,
    state,
    executor_type,
    attempt,
    created_at,
  ]);
  const columns = ['id', 'name', 'state', 'executor type', { name: 'attempt', isNumeric: true }, 'submitted'];
  return formatTable(columns, rows);
}

function jsonText(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : JSON.stringify(value);
}
