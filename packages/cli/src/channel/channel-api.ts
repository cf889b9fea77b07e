import { type Channel, channel, createClient } from '@weir/client';
import { z } from 'zod';
import type { ApiClient } from '../api/client.js';
import type { Invocation } from '../invocation.js';
import type { Output } from '../output/output.js';
import { messageDocument } from './message-document.js';

/** Which channel a command is about, and as whom. */
export interface ChannelOptions {
  readonly assignment?: string;
}

const page = z.object({
  messages: z.array(messageDocument),
  next: z.number(),
  closed: z.object({ reason: z.string(), last_index: z.number() }).optional(),
});
const role = z.enum(['submitter', 'executor', 'observer']);
const description = z.looseObject({ role });

/** As whom one is in a channel. */
export type Role = z.output<typeof role>;

interface ChannelParts {
  readonly api: ApiClient;
  readonly key: string;
  readonly process: string;
  readonly name: string;
  readonly assignment: string | undefined;
}

/** One channel, over HTTP for what is asked once, over a socket for what lasts. */
export class ChannelApi {
  readonly role: Role;
  readonly #parts: ChannelParts;

  private constructor(parts: ChannelParts, as: Role) {
    this.#parts = parts;
    this.role = as;
  }

  /**
   * A channel that is there, for whom it is there: what is wrong is said at once, not tried again and again.
   * @throws CliError
   */
  static async of(
    invocation: Invocation,
    { process, name }: { readonly process: string; readonly name: string },
    { assignment = invocation.context.env.WEIR_ASSIGNMENT }: ChannelOptions,
  ): Promise<ChannelApi> {
    const { api, key } = await invocation.keyed();
    const parts = { api, key, process, name, assignment: assignment === '' ? undefined : assignment };
    const { role } = await api.json(description, requestOf(parts));
    return new ChannelApi(parts, role);
  }

  /** The next messages that are there. */
  async read(after: number, limit: number, as: 'text' | 'base64') {
    const query = { after: String(after), limit: String(limit), as };
    return await this.#parts.api.json(page, { ...requestOf(this.#parts, '/messages'), query });
  }

  /** The channel itself. @param output told when the server is away, and when it is back */
  open(output: Output, after = 0): Channel {
    const { api, key, process, name, assignment } = this.#parts;
    const onConnection = (isThere: boolean): void =>
      output.note(`[channel] ${isThere ? 'connected again' : `no answer from ${api.server}; trying again`}`);
    const client = createClient({ url: api.server, key });
    return channel(client, { process, name, assignment, after, onConnection });
  }
}

function requestOf({ process, name, assignment }: ChannelParts, rest = '') {
  return {
    path: `/api/v1/processes/${encodeURIComponent(process)}/channels/${encodeURIComponent(name)}${rest}`,
    headers: assignment === undefined ? {} : { 'weir-assignment': assignment },
  };
}
