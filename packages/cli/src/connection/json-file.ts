import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, plainIssue } from '@weir/base';
import type { z } from 'zod';
import { CliError } from '../cli-error.js';

/**
 * Reads and validates a JSON file; null if it does not exist.
 * @throws CliError `invalid_file` if the content is invalid or unreadable
 */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') {
      return null;
    }
    if (error instanceof Error && codeOf(error) === 'EACCES') throw await ofAnother(path, error);
    throw invalid(path, error instanceof Error ? error.message : String(error), error);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    // The parser's message quotes the text, which may contain a key.
    throw invalid(path, 'it is not JSON', error);
  }
  const checked = schema.safeParse(parsed, { error: plainIssue });
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw invalid(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong form'}`, undefined);
}

/** The error for a file in another user's directory: `sudo -E`, for example, keeps the HOME of the other user. */
async function ofAnother(path: string, cause: Error): Promise<CliError> {
  let directory = dirname(path);
  // The parent of the directory may hide it.
  let owner = await stat(directory).catch(() => null);
  while (owner === null && directory !== dirname(directory)) {
    directory = dirname(directory);
    owner = await stat(directory).catch(() => null);
  }
  const whose =
    owner === null ? '' : `: ${directory} belongs to user ${owner.uid}, this is user ${process.getuid?.()}`;
  return new CliError('usage', 'not_your_directory', `cannot read ${path}${whose}`, {
    hint: 'Set WEIR_HOME to a directory of your own',
    cause,
  });
}

function invalid(path: string, reason: string, cause: unknown): CliError {
  return new CliError('usage', 'invalid_file', `cannot read ${path}: ${reason}`, {
    hint: 'Correct or remove it',
    cause,
  });
}
