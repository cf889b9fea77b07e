/**
 * The last known states as a file, for a start while PostgreSQL is unavailable. The file is written under a temporary
 * name, flushed, and renamed, so that a reader finds the old or the new content. Mode 0600.
 */

import { readFileSync } from 'node:fs';
import { codeOf } from '@weir/base';
import { writePrivateFile } from '@weir/base/node';
import { z } from 'zod';
import { documentOf, stateOf, type TenantState, tenantDocument } from './tenant-state.js';

const content = z.record(z.string(), tenantDocument);

/** The stored states; none if there is no file. Throws if the file cannot be read. */
export function readKeptStates(path: string): Map<string, TenantState> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return new Map();
    throw error;
  }
  const documents = Object.entries(content.parse(JSON.parse(text)));
  return new Map(documents.map(([projectId, document]) => [projectId, stateOf(document)]));
}

/** Stores states. One call at a time for a file. */
export async function keepStates(path: string, states: ReadonlyMap<string, TenantState>): Promise<void> {
  const documents = Object.fromEntries(
    [...states].map(([projectId, state]) => [projectId, documentOf(state)]),
  );
  await writePrivateFile(path, JSON.stringify(documents));
}
