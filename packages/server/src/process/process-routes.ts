/**
 * Processes: jobs that one client submits and another runs. The project is that of the API key.
 *
 *     POST …/processes          submits one          POST …/{id}/heartbeat   extends the run
 *     POST …/processes/assign   takes the next one   POST …/{id}/close       the executor ends it
 *     GET  …/processes          newest first         POST …/{id}/cancel      the submitter ends it
 *     GET  …/{id}               its state            POST …/{id}/observers   sets further readers
 *     GET  …/{id}/wait          waits for its end
 */

import { firstAbort } from '@weir/base';
import { type Process, type Processes, processDocument, type Who } from '@weir/channel/process';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { Authorizer } from '../http/authorize.js';
import type { BodyReader } from '../http/body/body-reader.js';
import { parseInput } from '../http/parse.js';
import { surface } from '../http/surface.js';
import { whenDone } from '../http/when-done.js';
import { assignmentOf } from './assignment.js';
import {
  assignInput,
  assignmentInput,
  closeInput,
  listInput,
  observersInput,
  submitInput,
  waitInput,
} from './process-input.js';

const PROCESSES = '/api/v1/processes';
const PROCESS = `${PROCESSES}/:id`;

/** Args or an output of 1 MiB, with white space and escapes. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The caller of a route. */
interface Asked {
  readonly projectId: string;
  readonly keyId: string;
}

/** Dependencies of the routes. */
export interface ProcessRoutesParts {
  readonly authorizer: Authorizer;
  readonly gate: TenantGate;
  readonly bodies: BodyReader;
  readonly processes: Processes;
  /** Aborts when the server stops: requests that wait must end. */
  readonly ending: AbortSignal;
}

/** Adds the routes. */
export function processRoutes(
  web: FastifyInstance,
  { authorizer, gate, bodies, processes, ending }: ProcessRoutesParts,
): void {
  /** Authorises a request for the processes of its project. */
  const enter = async (request: FastifyRequest, reply: FastifyReply): Promise<Asked> => {
    const { projectId, keyId } = await authorizer.apiKey(request, null, 'process');
    await gate.admit(request.raw, reply.raw, 'process', { projectId, tokenId: keyId });
    await bodies.receive(request, projectId, { maxBytes: MAX_BODY_BYTES });
    return { projectId, keyId };
  };

  /** Adds a route for one process, which answers with the process. */
  const route = (
    method: 'GET' | 'POST',
    path: string,
    answer: (asked: Asked & { readonly id: string }, request: FastifyRequest, who: Who) => Promise<Process>,
  ) =>
    web.route<{ Params: { id: string } }>({
      ...surface('process'),
      method,
      url: path,
      handler: async (request, reply) => {
        const asked = await enter(request, reply);
        const who = { credentialId: asked.keyId, assignment: assignmentOf(request) };
        const id = request.params.id.toLowerCase();
        return processDocument(await answer({ ...asked, id }, request, who));
      },
    });

  web.post(PROCESSES, surface('process'), async (request, reply) => {
    const { projectId, keyId } = await enter(request, reply);
    const wanted = parseInput(submitInput, request.body);
    const { process, isNew } = await processes.submit(projectId, keyId, wanted);
    return reply.code(isNew ? 201 : 200).send(processDocument(process));
  });
  web.post(`${PROCESSES}/assign`, surface('process'), async (request, reply) => {
    const { projectId, keyId } = await enter(request, reply);
    const { executor_type: executorType, wait_ms: waitMs } = parseInput(assignInput, request.body);
    const assigned = await whileThere(request, reply, ending, (signal) =>
      processes.assign(projectId, keyId, { executorType, waitMs, signal }),
    );
    if (assigned === null) return reply.code(204).send();
    return { ...processDocument(assigned.process), assignment: assigned.assignment };
  });
  web.get(PROCESSES, surface('process'), async (request, reply) => {
    const { projectId } = await enter(request, reply);
    const { processes: found, next } = await processes.list(projectId, parseInput(listInput, request.query));
    return { processes: found.map(processDocument), next };
  });

  route('GET', PROCESS, ({ projectId, id }) => processes.get(projectId, id));
  web.get<{ Params: { id: string } }>(`${PROCESS}/wait`, surface('process'), async (request, reply) => {
    const { projectId } = await enter(request, reply);
    const { timeout: timeoutMs } = parseInput(waitInput, request.query);
    const id = request.params.id.toLowerCase();
    const process = await whileThere(request, reply, ending, (signal) =>
      processes.wait(projectId, id, { timeoutMs, signal }),
    );
    return processDocument(process);
  });
  route('POST', `${PROCESS}/heartbeat`, ({ projectId, id }, { body }, who) => {
    parseInput(assignmentInput, body);
    return processes.heartbeat(projectId, id, who);
  });
  route('POST', `${PROCESS}/close`, ({ projectId, id }, { body }, who) => {
    const { status, output, error } = parseInput(closeInput, body);
    return processes.closeProcess(projectId, id, who, { status, output, error: error ?? undefined });
  });
  route('POST', `${PROCESS}/cancel`, ({ projectId, id }, { body }, who) => {
    parseInput(assignmentInput, body);
    return processes.cancel(projectId, id, who);
  });
  route('POST', `${PROCESS}/observers`, ({ projectId, id }, { body }, who) =>
    processes.changeObservers(projectId, id, who, parseInput(observersInput, body)),
  );
}

/** Runs work that waits, until the client disconnects or the server stops. */
async function whileThere<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  ending: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController();
  whenDone(request.raw, reply.raw, () => gone.abort());
  const over = firstAbort(gone.signal, ending);
  return await work(over.signal).finally(() => {
    over.release();
    // A kept-alive connection would delay the shutdown.
    if (ending.aborted) reply.header('connection', 'close');
  });
}
