/**
 * The last known states as a file, for a start while PostgreSQL is down. Written whole beside its place, flushed, and
 * renamed over it, so that a reader finds the old content or the new. Mode 0600.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { documentOf, stateOf, type TenantState, tenantDocument } from './tenant-state.js';

const content = z.record(z.string(), tenantDocument);

/** The states that are kept; none where there is no file. Throws where it cannot be read. */
export function readKeptStates(path: string): Map<string, TenantState> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw error;
  }
  const documents = Object.entries(content.parse(JSON.parse(text)));
  return new Map(documents.map(([projectId, document]) => [projectId, stateOf(document)]));
}

/** Keeps states. Of one file, one call at a time. */
export async function keepStates(path: string, states: ReadonlyMap<string, TenantState>): Promise<void> {
  const documents = Object.fromEntries(
    [...states].map(([projectId, state]) => [projectId, documentOf(state)]),
  );
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(documents));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
