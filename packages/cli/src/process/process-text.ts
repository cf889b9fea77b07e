import { sanitize } from '../output/sanitize.js';
import { formatTable } from '../output/table.js';
import { isStale, type ProcessDocument } from './process-document.js';

/** Formats a process for people, one fact per line. */
export function processText(process: ProcessDocument): string {
  const { id, name, executor_type, attempt, channels, args, output, error } = process;
  const lines: [string, string | undefined][] = [
    ['Id', id],
    ['Name', name],
    ['State', stateText(process)],
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

/** Formats processes for people, one per line. */
export function processTable(processes: readonly ProcessDocument[]): string {
  const rows = processes.map((process) => [
    process.id,
    process.name,
    stateText(process),
    process.executor_type,
    process.attempt,
    process.created_at,
  ]);
  const columns = ['id', 'name', 'state', 'executor type', { name: 'attempt', isNumeric: true }, 'submitted'];
  return formatTable(columns, rows);
}

/** A job without a maximum run time is not reassigned when its executor dies: mark it, so that the user cancels it. */
function stateText(process: ProcessDocument): string {
  return isStale(process, Date.now()) ? `${process.state} (stale)` : process.state;
}

function jsonText(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : JSON.stringify(value);
}
