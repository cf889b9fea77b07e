import { timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { bearerOf } from '../http/bearer.js';
import { Problem } from '../http/problem.js';
import type { RemoteAddress } from '../http/remote-address.js';
import type { Metrics } from '../metrics.js';

/**
 * GET /metrics, for Prometheus.
 * @param token wanted as a bearer credential; without one only clients on loopback may read
 */
export function metricsRoute(
  web: FastifyInstance,
  metrics: Metrics,
  token: string | undefined,
  remoteAddress: RemoteAddress,
): void {
  web.get('/metrics', async (request, reply) => {
    if (token !== undefined) {
      if (!isSame(bearerOf(request.raw), token)) {
        throw new Problem(401, 'unauthorized', 'metrics need the token of WEIR_METRICS_TOKEN', {
          headers: { 'www-authenticate': 'Bearer realm="weir"' },
        });
      }
    } else if (!isLoopback(remoteAddress(request.raw))) {
      throw new Problem(
        403,
        'forbidden',
        'metrics are for loopback only; set WEIR_METRICS_TOKEN to read them from elsewhere',
      );
    }
    return await reply.type(metrics.contentType).send(await metrics.text());
  });
}

function isSame(given: string | null, wanted: string): boolean {
  const a = Buffer.from(given ?? '');
  const b = Buffer.from(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}
