/** Projects and their credentials, for the operator. */

import { type Projects, SCOPES } from '@weir/accounts';
import { SYSTEM_TENANT } from '@weir/usage';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Authorizer } from '../http/authorize.js';
import type { BodyReader } from '../http/body/body-reader.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';
import { surface } from '../http/surface.js';

const name = z.string().trim().min(1).max(200);
const newProject = z.strictObject({ name, id: z.guid().optional() });
const newToken = z.strictObject({
  name: name.default('default'),
  allowed_origins: z.array(z.string().min(1)).nullable().default(null),
});
const newKey = z.strictObject({
  name: name.default('default'),
  scopes: z.array(z.enum(SCOPES)).min(1).default(['query']),
  expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
});

const listQuery = z.strictObject({ deleted: z.stringbool().default(false) });

const ROOT = '/api/v1/admin/projects';

interface InProject {
  Params: { id: string };
}
interface OneOfProject {
  Params: { id: string; credential: string };
}

/** `…/projects`, `…/projects/{id}` with `restore`, and its `tokens` and `keys`. */
export function adminProjectRoutes(
  web: FastifyInstance,
  authorizer: Authorizer,
  bodies: BodyReader,
  projects: Projects,
): void {
  web.post(ROOT, surface('admin'), async (request, reply) => {
    authorizer.operator(request);
    await bodies.receive(request, SYSTEM_TENANT);
    const { name: title, id } = parseInput(newProject, request.body);
    const { ingestToken, apiKey, ...project } = await projects.create(title, id === undefined ? {} : { id });
    return await reply.code(201).send({ ...project, ingest_token: ingestToken, api_key: apiKey });
  });
  web.get(ROOT, surface('admin'), async (request) => {
    authorizer.operator(request);
    if (parseInput(listQuery, request.query).deleted) {
      const deleted = await projects.listDeleted();
      return {
        projects: deleted.map(({ id, name: title, createdAt, deletedAt, restorableUntil }) => ({
          id,
          name: title,
          created_at: createdAt,
          deleted_at: deletedAt,
          restorable_until: restorableUntil,
        })),
      };
    }
    const all = await projects.list();
    return {
      projects: all.map(({ id, name: title, createdAt }) => ({ id, name: title, created_at: createdAt })),
    };
  });
  web.delete<InProject>(`${ROOT}/:id`, surface('admin'), async (request, reply) => {
    authorizer.operator(request);
    found(await projects.softDelete(request.params.id), 'project');
    return await reply.code(204).send();
  });
  web.post<InProject>(`${ROOT}/:id/restore`, surface('admin'), async (request) => {
    authorizer.operator(request);
    const {
      id,
      name: title,
      createdAt,
    } = found(
      await projects.restore(request.params.id),
      'deleted project, or it was deleted more than 30 days ago',
    );
    return { id, name: title, created_at: createdAt };
  });
  tokenRoutes(web, authorizer, bodies, projects);
  keyRoutes(web, authorizer, bodies, projects);
}

function tokenRoutes(
  web: FastifyInstance,
  authorizer: Authorizer,
  bodies: BodyReader,
  { tokens }: Projects,
): void {
  const path = `${ROOT}/:id/tokens`;
  web.post<InProject>(path, surface('admin'), async (request, reply) => {
    authorizer.operator(request);
    await bodies.receive(request, SYSTEM_TENANT);
    const { name: title, allowed_origins } = parseInput(newToken, request.body);
    const created = found(
      await tokens.create(request.params.id, { name: title, allowedOrigins: allowed_origins }),
      'project',
    );
    return await reply.code(201).send({ id: created.id, name: title, ingest_token: created.token });
  });
  web.get<InProject>(path, surface('admin'), async (request) => {
    authorizer.operator(request);
    const all = found(await tokens.list(request.params.id), 'project');
    return {
      tokens: all.map(({ allowedOrigins, createdAt, revokedAt, ...rest }) => ({
        ...rest,
        allowed_origins: allowedOrigins,
        created_at: createdAt,
        revoked_at: revokedAt,
      })),
    };
  });
  web.delete<OneOfProject>(`${path}/:credential`, surface('admin'), async (request, reply) => {
    authorizer.operator(request);
    found(await tokens.revoke(request.params.id, request.params.credential), 'token');
    return await reply.code(204).send();
  });
}

function keyRoutes(
  web: FastifyInstance,
  authorizer: Authorizer,
  bodies: BodyReader,
  { keys }: Projects,
): void {
  const path = `${ROOT}/:id/keys`;
  web.post<InProject>(path, surface('admin'), async (request, reply) => {
    authorizer.operator(request);
    await bodies.receive(request, SYSTEM_TENANT);
    const { name: title, scopes, expires_at } = parseInput(newKey, request.body);
    const created = found(
      await keys.create(request.params.id, {
        name: title,
        scopes,
        expiresAt: expires_at === null ? null : new Date(expires_at),
      }),
      'project',
    );
    return await reply.code(201).send({ id: created.id, name: title, scopes, api_key: created.key });
  });
  web.get<InProject>(path, surface('admin'), async (request) => {
    authorizer.operator(request);
    const all = found(await keys.list(request.params.id), 'project');
    return {
      keys: all.map(({ createdAt, expiresAt, lastUsedAt, revokedAt, ...rest }) => ({
        ...rest,
        created_at: createdAt,
        expires_at: expiresAt,
        last_used_at: lastUsedAt,
        revoked_at: revokedAt,
      })),
    };
  });
  web.delete<OneOfProject>(`${path}/:credential`, surface('admin'), async (request, reply) => {
    authorizer.operator(request);
    found(await keys.revoke(request.params.id, request.params.credential), 'key');
    return await reply.code(204).send();
  });
}

/** Returns the result; a missing or invisible resource is a 404. */
function found<T>(value: T | null | false, what: string): T {
  if (value === null || value === false) throw new Problem('not_found', `no such ${what}`);
  return value;
}
