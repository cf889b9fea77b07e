import { type Channel, Weir } from '@weir/client';
import { z } from 'zod';
import type { ApiClient } from '../api/client.js';
import type { Invocation } from '../invocation.js';
import type { Output } from '../output/output.js';
import type { ProcessDocument } from '../process/process-document.js';
import { ProcessesApi } from '../process/processes-api.js';
import { messageDocument } from './message-document.js';

/** Selects the channel and the role of a command. */
export interface ChannelOptions {
  readonly assignment?: string;
}

/** Longest heartbeat interval, and timeout of a heartbeat. */
const BEAT_MS = 15_000;
/** Heartbeat interval until the process's own limit is known. */
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

/** The role of this client in a channel. */
export type Role = z.output<typeof role>;

interface ChannelParts {
  readonly api: ApiClient;
  readonly key: string;
  readonly process: string;
  readonly name: string;
  readonly assignment: string | undefined;
}

/** One channel: HTTP for single requests, a socket for streams. */
export class ChannelApi {
  readonly role: Role;
  readonly #parts: ChannelParts;

  private constructor(parts: ChannelParts, as: Role) {
    this.#parts = parts;
    this.role = as;
  }

  /**
   * Opens an existing channel and checks the credential, so that errors are reported at once instead of being retried.
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

  /** Sends heartbeats for the process if this client is its executor; returns a function that stops them. */
  beat(): () => void {
    const { api, process, assignment } = this.#parts;
    if (assignment === undefined) return () => {};
    const processes = new ProcessesApi(api);
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const beat = async (): Promise<void> => {
      const now = await processes
        .change(process, 'heartbeat', { assignment }, BEAT_MS)
        // The channel reports a closed or reassigned process; any other failure may be temporary.
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

  /** The next stored messages. */
  async read(after: number, limit: number, as: 'text' | 'base64') {
    const query = { after: String(after), limit: String(limit), as };
    return await this.#parts.api.json(page, { ...requestOf(this.#parts, '/messages'), query });
  }

  /** Opens the channel's socket. @param output gets a note when the server disconnects or reconnects */
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
