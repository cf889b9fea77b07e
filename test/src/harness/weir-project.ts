import { waitUntil } from './wait-until.js';

/** The credentials of a project, and those of the server's operator. */
export interface ProjectCredentials {
  readonly project: string;
  /** Ingest token. */
  readonly token: string;
  /** API key. */
  readonly key: string;
  readonly operatorKey: string;
}

/** One project on a running server: what a test may do that does not own the server. */
export abstract class WeirProject {
  readonly project: string;
  readonly token: string;
  readonly key: string;
  readonly operatorKey: string;

  constructor({ project, token, key, operatorKey }: ProjectCredentials) {
    this.project = project;
    this.token = token;
    this.key = key;
    this.operatorKey = operatorKey;
  }

  abstract get port(): number;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Whether a path answers 200 now. */
  async answers(path: string): Promise<boolean> {
    try {
      return (await fetch(this.url + path, { signal: AbortSignal.timeout(5_000) })).ok;
    } catch {
      return false;
    }
  }

  /** Sends events; the parsed answer with its status. */
  async send(
    body: object | string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: SendAnswer }> {
    const response = await fetch(`${this.url}/api/v1/ingest/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as SendAnswer };
  }

  /** Runs SQL over the API; its rows. */
  async query(sql: string): Promise<unknown[][]> {
    const response = await fetch(`${this.url}/api/v1/projects/${this.project}/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sql }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`query: ${response.status} ${text}`);
    return (JSON.parse(text) as { rows: unknown[][] }).rows;
  }

  /** Every stored event's id, as often as it is stored, in no order. */
  async storedIds(where = 'true'): Promise<string[]> {
    const { status, text } = await this.request('POST', `/api/v1/projects/${this.project}/query`, {
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sql: `SELECT event_id FROM events WHERE ${where}`, format: 'ndjson' }),
    });
    if (status !== 200) throw new Error(`query: ${status} ${text}`);
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => (JSON.parse(line) as { event_id: string }).event_id);
  }

  /** Waits until nothing is on its way any more: all of it is stored or quarantined. */
  async settled(timeoutMs = 60_000): Promise<void> {
    await waitUntil(
      'every event to be stored',
      async () => {
        const { pending, dlq_depth } = await this.health();
        if (pending !== 0 || dlq_depth !== 0) return false;
        // The depth in the health document is that of the last pass.
        const overview = await this.operator('GET', '/dlq');
        return (overview.body as { depth: number }).depth === 0;
      },
      timeoutMs,
    );
  }

  /** Any request; its answer as it is. */
  async request(
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: string | Uint8Array } = {},
  ): Promise<RawAnswer> {
    const response = await fetch(this.url + path, {
      method,
      headers,
      // The cast holds: fetch takes any bytes, and its types only those over an ArrayBuffer.
      ...(body === undefined ? {} : { body: body as string | Uint8Array<ArrayBuffer> }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** An operator's call. */
  async operator(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.url}/api/v1/admin${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.operatorKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }

  /** The health document. */
  async health(): Promise<{ [key: string]: unknown }> {
    return (await (await fetch(`${this.url}/healthz`)).json()) as { [key: string]: unknown };
  }
}

/** An answer before anything is made of it. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Body of an ingest answer: counts, or a problem. */
export interface SendAnswer {
  readonly accepted?: number;
  readonly duplicates?: number;
  readonly rejected?: number;
  readonly errors?: readonly { readonly index: number; readonly reason: string }[];
  readonly receipt?: string;
  readonly state?: string;
  readonly code?: string;
  readonly request_id?: string;
}
