/** One event of a stream as it came. */
export interface StreamEvent {
  readonly event: string;
  readonly id: string;
  readonly data: { readonly [field: string]: unknown };
}

/** A stream of server-sent events, read once: it does not come back by itself, so tests see how it ended. */
export class EventStream {
  readonly events: StreamEvent[] = [];
  comments = 0;
  /** Set once the server has ended it, or it broke. */
  isOver = false;
  readonly status: number;
  readonly #abort: AbortController;

  private constructor(response: Response, abort: AbortController) {
    this.status = response.status;
    this.#abort = abort;
    void this.#read(response)
      .catch(() => {})
      .then(() => {
        this.isOver = true;
      });
  }

  static async open(url: string, headers: Readonly<Record<string, string>>): Promise<EventStream> {
    const abort = new AbortController();
    return new EventStream(await fetch(url, { headers, signal: abort.signal }), abort);
  }

  /** Messages alone. */
  get messages(): readonly StreamEvent['data'][] {
    return this.events.filter(({ event }) => event === 'message').map(({ data }) => data);
  }

  /** The last event that is no message. */
  get last(): StreamEvent | undefined {
    return this.events.findLast(({ event }) => event !== 'message');
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    if (block.startsWith(':')) {
      this.comments += 1;
      return;
    }
    const fields = new Map(
      block.split('\n').map((line): [string, string] => {
        const colon = line.indexOf(': ');
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
    );
    const data = fields.get('data');
    if (data === undefined) return;
    this.events.push({
      event: fields.get('event') ?? 'message',
      id: fields.get('id') ?? '',
      data: JSON.parse(data),
    });
  }
}
