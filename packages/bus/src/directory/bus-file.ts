import { readFile } from 'node:fs/promises';
import { codeOf } from '@weir/base';
import * as z from 'zod';
import type { BusDirectory } from './bus-directory.js';

const shape = z.object({
  pid: z.int().positive(),
  /** The bus's release. */
  version: z.string(),
  /** Where it listens: who looks for it may have another runtime directory. */
  socket: z.string(),
  server: z.string().exactOptional(),
  project: z.string().exactOptional(),
  /** RFC 3339. */
  started_at: z.string(),
});

/** What a bus says of itself in `bus.pid`. It may have died since: only its lock says that it lives. */
export type BusFile = z.infer<typeof shape>;

/** What the bus of a directory said last; undefined when there is nothing, or nothing that can be read. */
export async function readBusFile({ pidFile }: BusDirectory): Promise<BusFile | undefined> {
  const text = await readText(pidFile);
  if (text === undefined) return undefined;
  try {
    return shape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The secret of the bus that runs, or ran last; undefined when none did. */
export async function readSecret({ secretFile }: BusDirectory): Promise<string | undefined> {
  return (await readText(secretFile))?.trim() || undefined;
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  });
}
