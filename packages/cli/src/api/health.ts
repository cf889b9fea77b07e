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

/** What a server says of itself at /healthz. */
export type HealthDocument = z.output<typeof healthDocument>;

/** A server's health; a server that is down (503) answers with the same document. */
export async function readHealth(api: ApiClient, timeoutMs = 10_000): Promise<HealthDocument> {
  return (await healthAndDate(api, timeoutMs)).health;
}

/** The same, with the server's clock as its Date header tells it, in whole seconds; null where there is none. */
export async function healthAndDate(
  api: ApiClient,
  timeoutMs: number,
): Promise<{ health: HealthDocument; date: Date | null }> {
  const response = await api.any({ path: '/healthz', timeoutMs });
  const isDocument = response.ok || response.status === 503;
  if (!isDocument) throw failureOf(await errorOfResponse(response));
  const parsed = healthDocument.safeParse(await response.json().catch(() => null));
  if (!parsed.success) {
    throw new CliError('failed', 'unexpected_answer', `${api.server} is no Weir server of this version`, {
      hint: 'Check --server',
    });
  }
  const header = response.headers.get('date');
  return { health: parsed.data, date: header === null ? null : new Date(header) };
}
