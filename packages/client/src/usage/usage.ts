import type { Connection } from '../http/connection.js';
import { documentOf, documentsOf } from '../http/document.js';

/** What totals are told apart by. With `src`, the row `compute` counts runs of the engine. */
export type UsageGroup = 'hour' | 'day' | 'src' | 'stack';

/** Which totals. */
export interface UsageOptions {
  /** Widened to whole hours of UTC; default the last 30 days, at most 400 days. */
  readonly from?: Date | string;
  readonly to?: Date | string;
  /** Default none: one row. */
  readonly groupBy?: readonly UsageGroup[];
}

/** One row of totals. */
export interface UsageRow {
  /** The groups that were asked for. */
  readonly hour?: string;
  readonly day?: string;
  readonly src?: string;
  readonly stack?: string;
  readonly requests: number;
  readonly errors: number;
  /** Requests that the gate refused. */
  readonly denied: number;
  /** Accepted events. */
  readonly events: number;
  /** Metered work; see docs/usage.md. */
  readonly fuel: number;
  readonly billableFuel: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  readonly engineMs: number;
  readonly maxMemBytes: number;
}

/** Totals of a project. */
export interface Usage {
  readonly projectId: string;
  /** The whole hours that the totals are of, RFC 3339. */
  readonly from: string;
  readonly to: string;
  readonly usage: readonly UsageRow[];
}

/** Totals at a path: that of a project, or of a tenant for the operator. */
export async function usageAt(
  connection: Connection,
  path: string,
  { from, to, groupBy = [] }: UsageOptions = {},
): Promise<Usage> {
  const answer = await connection.json({
    path,
    query: {
      from: textOf(from),
      to: textOf(to),
      group_by: groupBy.length === 0 ? undefined : groupBy.join(','),
    },
  });
  const { projectId, from: begin, to: end } = documentOf<Omit<Usage, 'usage'>>(answer);
  return { projectId, from: begin, to: end, usage: documentsOf<UsageRow>(answer, 'usage') };
}

function textOf(time: Date | string | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time;
}
