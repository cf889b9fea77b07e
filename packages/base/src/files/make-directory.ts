import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../error/code-of.js';

/**
 * Creates a directory and its missing parents, readable by their owner only (mode 0700). It works level by level,
 * because the recursive form of Node 20.20 never returns for a path such as `/proc/x`, whose parent exists and rejects
 * new entries.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || (await exists(dirname(path)))) throw error;
    await makeDirectory(dirname(path));
    // Another process may create it concurrently.
    await makeDirectory(path);
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
