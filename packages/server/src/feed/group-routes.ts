/**
 * Groups, which share a project's feed among their members, at least once each:
 *
 *     GET  …/feed/groups                 lists all        POST …/{name}/ack      acknowledges
 *     PUT  …/feed/groups/{name}          creates one      POST …/{name}/nack     redelivers, to any member
 *     GET  …/feed/groups/{name}          progress         POST …/{name}/extend   extends leases
 *     DELETE …/feed/groups/{name}        deletes it       GET  …/{name}/dead     dead letters
 *     POST …/feed/groups/{name}/pull     the next events  POST …/{name}/dead/retry, …/dead/purge
 *     POST …/feed/groups/{name}/release  returns untried
 */

import { firstAbort, Slice } from '@weir/base';
import { documentIn, type FeedGroup, type FeedKind } from '@weir/feed';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { Authorizer } from '../http/authorize.js';
import { bearerOf } from '../http/bearer.js';
import type { BodyReader } from '../http/body/body-reader.js';
import { parseInput } from '../http/parse.js';
import { surface } from '../http/surface.js';
import { whenDone } from '../http/when-done.js';
import { usageOf } from '../usage/request-usage.js';
import type { FeedAccess, FeedCaller } from './feed-access.js';
import { startOf } from './feed-place.js';
import { streamName } from './feed-stream.js';
import {
  deliveriesText,
  extend,
  extendInput,
  idList,
  idsInput,
  nackInput,
  pullInput,
} from './group-input.js';
import { pullWhile } from './pull-while.js';
import type { ServerFeed } from './server-feed.js';

const GROUPS = '/api/v1/projects/:id/feed/groups';
const GROUP = `${GROUPS}/:name`;

/** Excludes "." and "..", which URL parsers remove from paths. */
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;
const params = z.object({
  name: z.string().regex(NAME, 'must be 1 to 64 letters, digits, ".", "_" or "-", and not "." or ".."'),
});
/** An omitted member keeps its value; for a new group, the default. */
const definition = z.strictObject({
  from: z.string().min(1).max(100).optional(),
  event: z.array(z.string().min(1).max(200)).min(1).max(100).optional(),
  hold: z.boolean().optional(),
  stream: streamName.optional(),
  task: z.string().min(1).max(1000).optional(),
});
const page = z.strictObject({
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
/** The selection must be explicit: `{"all": true}` selects everything. */
const choice = z.union(
  [
    z.strictObject({ ids: idList }).transform((given) => given.ids),
    z.strictObject({ all: z.literal(true) }).transform(() => 'all' as const),
  ],
  'say which dead letters: ids, or all: true',
);

/** Adds the routes. */
export function feedGroupRoutes(
  web: FastifyInstance,
  authorizer: Authorizer,
  gate: TenantGate,
  access: FeedAccess,
  bodies: BodyReader,
  feed: ServerFeed,
): void {
  const { groups } = feed;

  /**
   * Rejects calls that deliver events which the host does not permit the project to read. Acknowledging stays possible.
   */
  const checkAnalysis = async (projectId: string, stream: FeedKind): Promise<void> => {
    const refusal = await access.refusalOf(stream, projectId);
    if (refusal !== null) throw refusal;
  };

  /** Authorises a request for the feed of its project. */
  const enter = async (request: FastifyRequest, reply: FastifyReply) => {
    // The cast holds: all paths here have the parameter.
    const { id } = request.params as { id: string };
    const { projectId, keyId } = await authorizer.apiKey(request, id, 'feed');
    await gate.admit(request.raw, reply.raw, 'feed', { projectId, tokenId: keyId });
    await bodies.receive(request, projectId);
    // The cast holds: the key was found with it.
    return { projectId, keyId, key: bearerOf(request.raw) as string };
  };

  /** Adds a route for one group, with a validated name. */
  const route = (
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    answer: (asked: Asked, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
  ) =>
    web.route({
      ...surface('feed'),
      method,
      url: path,
      handler: async (request, reply) => {
        const caller = await enter(request, reply);
        const { name } = parseInput(params, request.params);
        return await answer({ ...caller, name }, request, reply);
      },
    });

  /** As `route`, for a group that must exist. */
  const groupRoute = (
    method: 'GET' | 'POST',
    path: string,
    answer: (
      group: FeedGroup,
      request: FastifyRequest,
      reply: FastifyReply,
      caller: FeedCaller,
    ) => Promise<unknown>,
  ) =>
    route(method, path, async (asked, request, reply) =>
      answer(await groups.find(asked.projectId, asked.name), request, reply, asked),
    );

  web.get(GROUPS, surface('feed'), async (request, reply) => {
    const { projectId } = await enter(request, reply);
    const described: Awaited<ReturnType<typeof describe>>[] = [];
    // One after another: each may have to be read from the log.
    for (const group of await groups.list(projectId)) described.push(await describe(group));
    return { groups: described };
  });

  route('PUT', GROUP, async ({ projectId, name }, request, reply) => {
    const wanted = parseInput(definition, request.body);
    await checkAnalysis(projectId, wanted.stream ?? 'events');
    const { group, isNew } = await groups.make(projectId, name, wanted, ({ stream, from }) =>
      feed.locate(stream, projectId, startOf(from)),
    );
    reply.code(isNew ? 201 : 200);
    return await describe(group);
  });
  route('DELETE', GROUP, async ({ projectId, name }, _request, reply) => {
    await groups.remove(projectId, name);
    return reply.code(204).send();
  });
  groupRoute('GET', GROUP, describe);

  groupRoute('POST', `${GROUP}/pull`, async (group, request, reply, caller) => {
    const { max, wait_ms: waitMs, member = caller.keyId, holding } = parseInput(pullInput, request.body);
    const { stream } = group.definition;
    await checkAnalysis(caller.projectId, stream);
    const gone = new AbortController();
    whenDone(request.raw, reply.raw, () => gone.abort());
    const over = firstAbort(gone.signal, feed.ending);
    const isAllowed = () => access.isStillAllowed(caller, stream);
    const deliveries = await pullWhile(isAllowed, over.signal, (signal) =>
      group.pull({ max, waitMs, member, holding, signal }),
    ).finally(over.release);
    // Return deliveries whose answer was not sent completely; otherwise they would wait until their lease expires.
    whenDone(request.raw, reply.raw, () => {
      if (reply.raw.writableFinished || deliveries.length === 0) return;
      // If the log is closed, the lease expires by itself.
      group.release(deliveries.map(({ id }) => id)).catch(() => {});
    });
    // A kept-alive connection would delay the shutdown.
    if (feed.ending.aborted) reply.header('connection', 'close');
    usageOf(request.raw)?.delivered(deliveries.length);
    return reply
      .type('application/json; charset=utf-8')
      .send(
        `{"lease_ms":${group.leaseMs},"deliveries":${await deliveriesText(deliveries, group.stream, feed.texts)}}`,
      );
  });
  groupRoute('POST', `${GROUP}/ack`, async (group, { body }) => ({
    acknowledged: await group.ack(parseInput(idsInput, body).ids),
  }));
  groupRoute('POST', `${GROUP}/nack`, async (group, { body }) => {
    const given = parseInput(nackInput, body);
    return { returned: await group.nack(given.ids, given.delay_ms) };
  });
  groupRoute('POST', `${GROUP}/release`, async (group, { body }) => ({
    released: await group.release(parseInput(idsInput, body).ids),
  }));
  groupRoute('POST', `${GROUP}/extend`, async (group, { body }) =>
    extend(group, parseInput(extendInput, body)),
  );

  groupRoute('GET', `${GROUP}/dead`, async (group, { query }, reply, { projectId }) => {
    const { limit, after } = parseInput(page, query);
    await checkAnalysis(projectId, group.definition.stream);
    const letters: string[] = [];
    const slice = new Slice({ owner: group.stream });
    for (const { id, cursor, attempts, diedAt, payload } of await group.dead(limit, after)) {
      const head = JSON.stringify({ id, cursor, attempts, died_at: diedAt });
      letters.push(`${head.slice(0, -1)},"event":${documentIn(group.stream, payload).text}}`);
      if (slice.isOver) await slice.next();
    }
    return reply.type('application/json; charset=utf-8').send(`{"dead":[${letters.join(',')}]}`);
  });
  groupRoute('POST', `${GROUP}/dead/retry`, async (group, { body }) => ({
    retried: await group.retry(parseInput(choice, body)),
  }));
  groupRoute('POST', `${GROUP}/dead/purge`, async (group, { body }) => ({
    purged: await group.purge(parseInput(choice, body)),
  }));
}

/** The group of a request, and its caller. */
interface Asked extends FeedCaller {
  readonly name: string;
}

async function describe(group: FeedGroup) {
  const { name, stream, from, event, hold, task = null, created_at } = group.definition;
  const { delivered, pending, lag, needs, dead } = await group.status();
  return {
    name,
    stream,
    from,
    event,
    hold,
    task,
    created_at,
    delivered,
    pending,
    lag,
    oldest_needed: needs,
    dead,
  };
}
