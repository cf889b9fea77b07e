import { readFile } from 'node:fs/promises';
import { codeOf } from '@weir/base';
import * as z from 'zod';
import type { BusDirectory } from './bus-directory.js';

const shape = z.object({
  pid: z.int().positive(),
  /** Weir release of the bus. */
  version: z.string(),
  /** The socket path. A client with another runtime directory would compute another one. */
  socket: z.string(),
  server: z.string().exactOptional(),
  project: z.string().exactOptional(),
  /** RFC 3339. */
  started_at: z.string(),
});

/** The content of `bus.pid`. The file may outlive a killed bus; only the lock proves that the bus is alive. */
export type BusFile = z.infer<typeof shape>;

/** Reads the bus file of a directory; undefined if it is absent or invalid. */
export async function readBusFile({ pidFile }: BusDirectory): Promise<BusFile | undefined> {
  const text = await readText(pidFile);
  if (text === undefined) return undefined;
  try {
    return shape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Reads the secret of the running or last bus; undefined if none has run. */
export async function readSecret({ secretFile }: BusDirectory): Promise<string | undefined> {
  return (await readText(secretFile))?.trim() || undefined;
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  });
}
