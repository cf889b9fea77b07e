import { type Channel, channel, createClient } from '@weir/client';
import { z } from 'zod';
import type { ApiClient } from '../api/client.js';
import type { Invocation } from '../invocation.js';
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
const description = z.looseObject({ last_index: z.number() });

/** One channel, over HTTP for what is asked once, over a socket for what lasts. */
export class ChannelApi {
  readonly role: 'submitter' | 'executor';
  readonly #api: ApiClient;
  readonly #key: string;
  readonly #process: string;
  readonly #name: string;
  readonly #assignment: string | undefined;

  private constructor(
    api: ApiClient,
    key: string,
    process: string,
    name: string,
    assignment: string | undefined,
  ) {
    this.#api = api;
    this.#key = key;
    this.#process = process;
    this.#name = name;
    this.#assignment = assignment;
    this.role = assignment === undefined ? 'submitter' : 'executor';
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
    const { api, connection } = await invocation.project();
    // The cast holds: a project comes with its key.
    const key = connection.key as string;
    const found = new ChannelApi(api, key, process, name, assignment === '' ? undefined : assignment);
    await found.describe();
    return found;
  }

  async describe() {
    return await this.#api.json(description, { path: this.#path, headers: this.#headers });
  }

  /** The next messages that are there. */
  async read(after: number, limit: number, as: 'text' | 'base64') {
    const query = { after: String(after), limit: String(limit), as };
    return await this.#api.json(page, { path: `${this.#path}/messages`, query, headers: this.#headers });
  }

  /** The channel itself. */
  open(after = 0): Channel {
    const client = createClient({ url: this.#api.server, key: this.#key });
    return channel(client, { process: this.#process, name: this.#name, assignment: this.#assignment, after });
  }

  get #path(): string {
    const [process, name] = [this.#process, this.#name].map(encodeURIComponent);
    return `/api/v1/processes/${process}/channels/${name}`;
  }

  get #headers(): Readonly<Record<string, string>> {
    return this.#assignment === undefined ? {} : { 'weir-assignment': this.#assignment };
  }
}
