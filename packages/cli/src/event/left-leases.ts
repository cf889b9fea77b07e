import { readFile } from 'node:fs/promises';
import type { StatusResponse } from '@weir/bus/protocol';
import { z } from 'zod';

const leases = z.looseObject({ leases: z.array(z.looseObject({ subscription_id: z.string() })) });

/** Subscriptions that still exist upstream without a consumer or a pending cleanup. */
export async function leftLeases(file: string, status: StatusResponse | undefined): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '{"leases":[]}');
  const consumed = new Set(status?.consumers.map(({ subscription_id }) => subscription_id));
  try {
    const ids = leases.parse(JSON.parse(text)).leases.map(({ subscription_id }) => subscription_id);
    return ids.filter((id) => !consumed.has(id));
  } catch {
    return [`unknown: ${file} is not readable`];
  }
}
