/**
 * Channels of a process, for its submitter, its executor and its observers:
 *
 *     GET  /api/v1/processes/{id}/channels             lists all
 *     GET  …/channels/{name}                           returns one
 *     POST …/channels/{name}/messages                  appends a message, or a batch whole or not at all
 *     GET  …/channels/{name}/messages                  returns a page after an index; can wait for it
 *     GET  …/channels/{name}/subscribe                 history, then live, over Server-Sent Events
 *     GET  /api/v1/channels, upgraded                  many channels over one WebSocket
 */

import { Readable } from 'node:stream';
import { firstAbort } from '@weir/base';
import { channelId } from '@weir/channel';
import type { Processes, Who } from '@weir/channel/process';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ProjectPlaces } from '../admission/project-places.js';
import { lostRight } from '../feed/right-watch.js';
import type { BodyReader, JsonLimits } from '../http/body/body-reader.js';
import { holdPlace } from '../http/hold-place.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';
import { surface } from '../http/surface.js';
import { upgradeOf } from '../http/upgrade.js';
import { whenDone } from '../http/when-done.js';
import { assignmentOf } from '../process/assignment.js';
import { openEndedAnswer, usageOf } from '../usage/request-usage.js';
import { MAX_BATCH } from './batch-limit.js';
import type { ChannelAccess } from './channel-access.js';
import { channelDocument } from './channel-document.js';
import { eventStream } from './event-stream.js';
import { appendOf } from './message-input.js';
import { pageText } from './page-text.js';
import type { ChannelSockets } from './socket/channel-sockets.js';
import { stillReads } from './still-reads.js';

const CHANNELS = '/api/v1/processes/:id/channels';
const CHANNEL = `${CHANNELS}/:name`;
const MAX_WAIT_MS = 30_000;
/** Maximum JSON values in the body of an append: those of the largest batch. */
const MAX_APPEND_ITEMS = 10 * MAX_BATCH;

const index = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const form = z.enum(['base64', 'text']).default('base64');
const pageQuery = z.strictObject({
  after: index.default(0),
  limit: index.default(0),
  wait_ms: z.coerce.number().int().min(0).max(MAX_WAIT_MS).default(0),
  as: form,
});
const resumption = z.object({ 'last-event-id': index.optional() });
const streamQuery = z.strictObject({ after: index.default(0), as: form });

/** Dependencies of the routes. */
export interface ChannelRoutesParts {
  readonly access: ChannelAccess;
  readonly processes: Processes;
  /** Each subscription and each long poll takes one place. */
  readonly subscribers: ProjectPlaces;
  readonly sockets: ChannelSockets;
  /** Aborts when the server stops: waiting requests must end. */
  readonly ending: AbortSignal;
  readonly bodies: BodyReader;
  /** Maximum body of an append, bytes. */
  readonly maxBodyBytes: number;
}

/** Adds the routes. */
export function channelRoutes(web: FastifyInstance, parts: ChannelRoutesParts): void {
  const { access, processes, subscribers, sockets, ending, bodies, maxBodyBytes } = parts;
  const bodyLimits: JsonLimits = {
    maxBytes: maxBodyBytes,
    maxItems: MAX_APPEND_ITEMS,
    code: 'message_too_large',
    hint: 'split the content into several messages, and a batch into several requests',
  };
  const { router } = processes;

  /** Authorises a request for the channels of a process. */
  const enter = async (request: FastifyRequest, reply: FastifyReply) => {
    const user = await access.enter(request, reply);
    await bodies.receive(request, user.projectId, bodyLimits);
    // The cast holds: every path here has the parameter, except that of sockets.
    const { id } = request.params as { id: string };
    const processId = id.toLowerCase();
    const who: Who = { credentialId: user.keyId, assignment: assignmentOf(request) };
    const caller = await processes.enter(user.projectId, processId, who);
    return { user, who, processId, caller };
  };

  type Entered = Awaited<ReturnType<typeof enter>>;
  /** Whether an admitted caller would still be admitted. */
  const mayRead = async ({ user, who, processId }: Entered): Promise<boolean> =>
    (await access.isStillAllowed(user)) && (await stillReads(processes, user.projectId, processId, who));

  /** As `enter`, for one channel. */
  const enterChannel = async (request: FastifyRequest, reply: FastifyReply) => {
    const entered = await enter(request, reply);
    // The cast holds for the same reason.
    const { name } = request.params as { name: string };
    return { ...entered, id: channelId(entered.processId, name) };
  };

  web.get(CHANNELS, surface('channel'), async (request, reply) => {
    const { processId, caller } = await enter(request, reply);
    const channels = await router.getChannelsByProcess(processId);
    const views = await Promise.all(channels.map(({ id }) => router.inspect(id, caller)));
    return { channels: views.map(channelDocument) };
  });

  web.get(CHANNEL, surface('channel'), async (request, reply) => {
    const { id, caller } = await enterChannel(request, reply);
    return channelDocument(await router.inspect(id, caller));
  });

  web.route({
    ...surface('channel'),
    method: 'POST',
    url: `${CHANNEL}/messages`,
    handler: async (request, reply) => {
      const { id, caller } = await enterChannel(request, reply);
      const { messages, isBatch } = appendOf(request.body);
      const places = await router.appendBatch(id, caller, messages);
      const bytes = messages.reduce((sum, { payload }) => sum + payload.byteLength, 0);
      usageOf(request.raw)?.messages(messages.length, bytes);
      reply.code(201);
      const answers = places.map(({ index, timestamp }) => ({
        index,
        timestamp: new Date(timestamp).toISOString(),
      }));
      return isBatch ? { messages: answers } : answers[0];
    },
  });

  web.get(`${CHANNEL}/messages`, surface('channel'), async (request, reply) => {
    const entered = await enterChannel(request, reply);
    const { id, caller, user } = entered;
    const { after, limit, wait_ms: waitMs, as } = parseInput(pageQuery, request.query);
    if (waitMs > 0) holdPlace(subscribers, user.projectId, request, reply);
    const gone = new AbortController();
    whenDone(request.raw, reply.raw, () => gone.abort());
    const lost = waitMs > 0 ? lostRight(() => mayRead(entered), gone.signal) : undefined;
    const over = firstAbort(gone.signal, ending, lost);
    const { signal } = over;
    const owner = user.projectId;
    const page = await router
      .readAfter(id, caller, after, limit, { waitMs, signal, owner })
      .finally(over.release);
    // A kept-alive connection would delay the shutdown.
    if (ending.aborted) reply.header('connection', 'close');
    usageOf(request.raw)?.delivered(page.entries.length);
    return reply.type('application/json; charset=utf-8').send(await pageText(page, { form: as, owner }));
  });

  web.get(`${CHANNEL}/subscribe`, surface('channel'), async (request, reply) => {
    const entered = await enterChannel(request, reply);
    const { id, caller, user } = entered;
    const { after, as } = parseInput(streamQuery, request.query);
    const { 'last-event-id': resumed } = parseInput(resumption, request.headers);
    holdPlace(subscribers, user.projectId, request, reply);
    const start = resumed ?? after;
    // Read once before the answer begins, while an error can still be an HTTP status.
    await router.readAfter(id, caller, start, 1);
    const gone = new AbortController();
    const lost = lostRight(() => mayRead(entered), gone.signal);
    const over = firstAbort(gone.signal, ending, lost);
    whenDone(request.raw, reply.raw, () => {
      gone.abort();
      over.release();
    });
    const subscriber = await router.subscribe(id, caller, {
      after: start,
      owner: user.projectId,
      signal: over.signal,
    });
    const usage = usageOf(request.raw);
    const text = eventStream({
      subscriber,
      form: as,
      owner: user.projectId,
      onDelivered: (count) => usage?.delivered(count),
    });
    return (
      reply
        .type('text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        // The shutdown waits for kept-alive connections.
        .header('connection', 'close')
        .send(Readable.from(openEndedAnswer(request.raw, text), { objectMode: false }))
    );
  });

  web.get('/api/v1/channels', surface('channel'), async (request, reply) => {
    if (upgradeOf(request.raw) === null) {
      throw new Problem('upgrade_required', 'this URL serves WebSockets only', {
        hint: 'open it as ws(s)://…/api/v1/channels, or use /api/v1/processes/{id}/channels/{name}/messages',
        headers: { upgrade: 'websocket', connection: 'upgrade' },
      });
    }
    await sockets.serve(request, reply);
    return reply;
  });
}
