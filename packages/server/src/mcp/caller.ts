/** Authenticates callers of the MCP endpoint. */
import type { Credentials } from '@weir/accounts';
import type { FastifyRequest } from 'fastify';
import { bearerOf } from '../http/bearer.js';
import { wrongKind } from '../http/credential-kind.js';
import { Problem } from '../http/problem.js';
import { challenge, MCP_SCOPES } from './resource-metadata.js';

/** The project whose rows may be read, and the credential. */
export interface McpCaller {
  readonly projectId: string;
  readonly tokenId: string;
}

interface Found extends McpCaller {
  readonly scopes: readonly string[];
}

/** Matches a credential anywhere in a text. */
const CREDENTIAL = /weir_(sec|oat|ops|pub|ort)_/;
const CREDENTIAL_PARAMETERS = ['access_token', 'api_key', 'apikey', 'key', 'token'];

/**
 * Authenticates a request by its Authorization header only.
 * @throws Problem 400 `invalid_request` for a credential in the query string, 401 `unauthorized`, 403
 * `insufficient_scope`, each with the challenge that a client needs
 */
export async function callerOf(
  request: FastifyRequest,
  credentials: Credentials,
  publicUrl: string,
): Promise<McpCaller> {
  if (hasCredentialInQuery(request.url)) {
    throw new Problem('invalid_request', 'a credential in the query string is never read', {
      hint: 'URLs end up in logs: send "Authorization: Bearer weir_sec_…", and replace this key if it is a real one',
      headers: challenge(publicUrl, 'invalid_request'),
    });
  }
  const given = bearerOf(request.raw);
  const found = given === null ? null : await find(given, credentials);
  if (found === null) {
    const detail = wrongKind(given, 'an API key (weir_sec_…)', 'no valid credential');
    throw new Problem('unauthorized', detail, {
      hint: `send an API key with the scope ${MCP_SCOPES.join(' ')}: "Authorization: Bearer weir_sec_…"`,
      headers: challenge(publicUrl, given === null ? undefined : 'invalid_token'),
    });
  }
  const missing = MCP_SCOPES.filter((scope) => !found.scopes.includes(scope));
  if (missing.length > 0) {
    throw new Problem('insufficient_scope', `the credential lacks the scope "${missing.join(' ')}"`, {
      headers: challenge(publicUrl, 'insufficient_scope'),
    });
  }
  return { projectId: found.projectId, tokenId: found.tokenId };
}

/** Looks up a credential; its prefix gives its kind, and kinds that this endpoint does not accept are not looked up. */
async function find(given: string, credentials: Credentials): Promise<Found | null> {
  if (!given.startsWith('weir_sec_')) return null;
  const key = await credentials.lookupApiKey(given);
  return key === null ? null : { projectId: key.projectId, tokenId: key.keyId, scopes: key.scopes };
}

function hasCredentialInQuery(url: string): boolean {
  const at = url.indexOf('?');
  if (at === -1) return false;
  const query = new URLSearchParams(url.slice(at + 1));
  return [...query].some(
    ([name, value]) =>
      CREDENTIAL_PARAMETERS.includes(name.toLowerCase()) || CREDENTIAL.test(`${name} ${value}`),
  );
}
