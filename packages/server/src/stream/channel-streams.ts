/** Channels of processes as streams: `-/{process}/{name}`, see docs/streams.md. */
import { channelId } from '@weir/channel';
import type { Processes, Who } from '@weir/channel/process';
import type { StreamSource } from '@weir/channel/stream';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ChannelUser } from '../channel/channel-access.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';
import { assignmentOf } from '../process/assignment.js';
import { ChannelStream } from './channel-stream.js';
import type { ReservedStreams } from './reserved-streams.js';
import { SenderTurns } from './sender-turns.js';

const querystring = z.object({
  as: z.enum(['base64', 'text'], 'must be base64 or text').default('base64'),
});

/** See the head of this file. */
export class ChannelStreams implements ReservedStreams {
  readonly #processes: Processes;
  readonly #turns = new SenderTurns();

  constructor(processes: Processes) {
    this.#processes = processes;
  }

  async open(
    { projectId, keyId }: ChannelUser,
    name: string,
    request: FastifyRequest,
  ): Promise<StreamSource> {
    const [process, channel, ...rest] = name.split('/');
    if (process === undefined || channel === undefined || rest.length > 0) throw notFound(name);
    const { as: form } = parseInput(querystring, request.query);
    const who: Who = { credentialId: keyId, assignment: assignmentOf(request) };
    const processId = process.toLowerCase();
    const caller = await this.#processes.enter(projectId, processId, who);
    return await ChannelStream.open({
      processes: this.#processes,
      turns: this.#turns,
      projectId,
      processId,
      id: channelId(processId, channel),
      who,
      caller,
      form,
    });
  }
}

function notFound(name: string): Problem {
  return new Problem('stream_not_found', `there is no stream "-/${name.slice(0, 200)}"`, {
    hint: 'names that begin with "-/" are channels: -/{process}/{name}',
  });
}
