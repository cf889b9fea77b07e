import { type Channel, Weir } from '@weir/client';
import { z } from 'zod';
import type { ApiClient } from '../api/client.js';
import type { Invocation } from '../invocation.js';
import type { Output } from '../output/output.js';
import type { ProcessDocument } from '../process/process-document.js';
import { ProcessesApi } from '../process/processes-api.js';
import { messageDocument } from './message-document.js';

/** Which channel a command is about, and as whom. */
export interface ChannelOptions {
  readonly assignment?: string;
}

/** Longest time between two heartbeats, and until one is given up. */
const BEAT_MS = 15_000;
/** The same while the longest time of the process is not known. */
const FIRST_BEAT_MS = 500;

function periodOf({ max_exec_ms: maxExecMs }: ProcessDocument): number {
  return Math.min(BEAT_MS, (maxExecMs ?? Number.POSITIVE_INFINITY) / 3);
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

  /** Says now and then that the process is being worked on, where one is its executor; until it is called back. */
  beat(): () => void {
    const { api, process, assignment } = this.#parts;
    if (assignment === undefined) return () => {};
    const processes = new ProcessesApi(api);
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const beat = async (): Promise<void> => {
      const now = await processes
        .change(process, 'heartbeat', { assignment }, BEAT_MS)
        // The channel says so when the process is over or another's; else the next one may get through.
        .catch(() => undefined);
      if (now !== undefined) period = periodOf(now);
      if (!isOver) timer = setTimeout(() => void beat(), period).unref();
    };
    let period = FIRST_BEAT_MS;
    void beat();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
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
    const weir = new Weir({ url: api.server, key });
    return weir.channel({ process, name, assignment, after, onConnection, isShared: true });
  }
}

function requestOf({ process, name, assignment }: ChannelParts, rest = '') {
  return {
    path: `/api/v1/processes/${encodeURIComponent(process)}/channels/${encodeURIComponent(name)}${rest}`,
    headers: assignment === undefined ? {} : { 'weir-assignment': assignment },
  };
}
