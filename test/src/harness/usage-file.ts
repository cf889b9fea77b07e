import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WeirProcess } from './weir-process.js';

/** A usage record as sinks write it. */
export interface UsageLine {
  readonly id: string;
  readonly rid: string;
  readonly tenant: string;
  readonly principal?: string;
  readonly src: string;
  readonly parent?: string;
  readonly stack: string;
  readonly status: 'ok' | 'error';
  readonly http_status?: number;
  readonly duration_ms: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly mem_bytes?: number;
  readonly fuel?: number;
  readonly admission_denied?: boolean;
  readonly admission_reason?: string;
  readonly billable: boolean;
}

/**
 * Every record a server's `file` sink has written, of all its starts. A line that is being written is left out.
 * @throws Error (ENOENT) where the server gives a file another name meanwhile
 */
export function usageFile(weir: WeirProcess): UsageLine[] {
  const directory = join(weir.dataDir, 'data', 'usage');
  const names = readdirSync(directory).filter(
    (name) => name.endsWith('.ndjson') || name.includes('.ndjson.'),
  );
  return names
    .toSorted()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as UsageLine);
}
