import type { ToolAnnotations } from '@modelcontextprotocol/server';

/** True of every tool here: it changes nothing, is idempotent, and only reads the project's own events. */
export const READS_ONLY: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
