import { SYSTEM_TENANT } from '@weir/usage';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Authorizer } from '../http/authorize.js';
import type { BodyReader } from '../http/body/body-reader.js';
import { parseInput } from '../http/parse.js';
import { surface } from '../http/surface.js';
import type { KillSwitch } from './kill-switch.js';

const body = z.strictObject({ disabled: z.boolean() });

/** GET and PUT /api/v1/admin/ingest: the kill switch, `{disabled}`. */
export function adminIngestRoutes(
  web: FastifyInstance,
  authorizer: Authorizer,
  bodies: BodyReader,
  killSwitch: KillSwitch,
): void {
  web.get('/api/v1/admin/ingest', surface('admin'), async (request) => {
    authorizer.operator(request);
    return { disabled: killSwitch.disabled };
  });
  web.put('/api/v1/admin/ingest', surface('admin'), async (request) => {
    authorizer.operator(request);
    await bodies.receive(request, SYSTEM_TENANT);
    const { disabled } = parseInput(body, request.body);
    await killSwitch.set(disabled);
    return { disabled: killSwitch.disabled };
  });
}
