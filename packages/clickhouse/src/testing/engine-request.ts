import { type IncomingHttpHeaders, request } from 'node:http';
import type { EmbeddedTarget } from '../target.js';

/** A request as a bare HTTP client sends it. */
export interface RawRequest {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** Sends one request to the engine as admin, without `@clickhouse/client`. */
export function engineRequest(
  target: EmbeddedTarget,
  options: RawRequest,
): Promise<{
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath: target.socketPath,
        method: 'POST',
        path: `/?${new URLSearchParams(options.query)}`,
        auth: `${target.admin.username}:${target.admin.password}`,
        headers: { ...options.headers },
      },
      async (response) => {
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part);
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(parts).toString('utf8'),
        });
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}
