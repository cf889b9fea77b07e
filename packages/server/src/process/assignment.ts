/** Reads the assignment of an executor from a request: from a header, or from the body. */
import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';

const HEADER = 'weir-assignment';

/**
 * The assignment token of a request: the header `Weir-Assignment`, or the member `assignment` of a JSON body.
 * @throws Problem `invalid_request` if it is not a string, or if both are given and differ
 */
export function assignmentOf({
  headers,
  body,
}: Pick<FastifyRequest, 'headers' | 'body'>): string | undefined {
  const header = textOf(headers[HEADER]);
  const member = textOf(
    typeof body === 'object' && body !== null && 'assignment' in body ? body.assignment : undefined,
  );
  if (header !== undefined && member !== undefined && header !== member) {
    throw new Problem(
      'invalid_request',
      'the header Weir-Assignment and the body contain different assignments',
      {
        hint: 'send the assignment of the current attempt',
      },
    );
  }
  return header ?? member;
}

function textOf(given: unknown): string | undefined {
  if (given === undefined || typeof given === 'string') return given;
  throw new Problem('invalid_request', 'assignment: must be the string from the assign answer');
}
