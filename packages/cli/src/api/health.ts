import { errorOfResponse } from '@weir/client/http';
import { z } from 'zod';
import { CliError } from '../cli-error.js';
import type { ApiClient } from './client.js';
import { failureOf } from './failure.js';

const store = z.looseObject({ state: z.enum(['ok', 'down']) });

const healthDocument = z.looseObject({
  status: z.enum(['ok', 'down']),
  version: z.string(),
  ingest_disabled: z.boolean(),
  fatal: z.boolean(),
  dlq_depth: z.number(),
  quarantined: z.number(),
  pending: z.number(),
  log: store,
  clickhouse: store,
  postgres: store,
});

/** The document at /healthz. */
export type HealthDocument = z.output<typeof healthDocument>;

/** Reads a server's health; a server that is down (503) returns the same document. */
export async function readHealth(api: ApiClient, timeoutMs = 10_000): Promise<HealthDocument> {
  return (await healthAndDate(api, timeoutMs)).health;
}

/** Reads the health and the server's clock (Date header, whole seconds); the clock is null if the header is missing. */
export async function healthAndDate(
  api: ApiClient,
  timeoutMs: number,
): Promise<{ health: HealthDocument; date: Date | null }> {
  const response = await api.any({ path: '/healthz', timeoutMs });
  const isDocument = response.ok || response.status === 503;
  if (!isDocument) throw failureOf(await errorOfResponse(response));
  const parsed = healthDocument.safeParse(await response.json().catch(() => null));
  if (!parsed.success) {
    throw new CliError('failed', 'unexpected_answer', `${api.server} is not a Weir server of this version`, {
      hint: 'Check --server',
    });
  }
  const header = response.headers.get('date');
  return { health: parsed.data, date: header === null ? null : new Date(header) };
}
