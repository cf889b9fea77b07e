/** The facts of a process that are needed to authorise a caller for its channels. */
import type { Caller } from '../channel/index.js';
import { hashOfToken } from './assignment-token.js';
import type { Who } from './process.js';
import { ProcessError } from './process-error.js';
import type { ProcessRow } from './process-row.js';

const KEPT = [
  'id',
  'projectId',
  'revision',
  'state',
  'submitterId',
  'executorId',
  'attempt',
  'channels',
  'limits',
  'logId',
  'observers',
  'assignments',
  'cleanedAt',
] as const satisfies readonly (keyof ProcessRow)[];

/** See the head of this file. */
export type Standing = Pick<ProcessRow, (typeof KEPT)[number]>;

/** Extracts the cached part of a row. */
export function standingOf(row: ProcessRow): Standing {
  // The cast holds: these are its members.
  return Object.fromEntries(KEPT.map((name) => [name, row[name]])) as unknown as Standing;
}

/**
 * The role of a caller in the channels of a process. The last executor keeps its role after the end, so that it can
 * read.
 * @throws ProcessError `forbidden`, `stale_attempt`
 */
export function callerOf(standing: Standing, who: Who): Caller {
  const { credentialId, assignment } = who;
  if (assignment !== undefined) {
    checkAssignment(standing, credentialId, assignment);
    return { credentialId, assignment: { attempt: standing.attempt } };
  }
  if (credentialId !== '' && credentialId === standing.submitterId) return { credentialId };
  if (standing.observers.includes(credentialId)) return { observerId: credentialId };
  throw new ProcessError(
    'forbidden',
    `the credential is neither submitter nor observer of process ${standing.id}, and shows no assignment`,
    {
      hint: 'use the submitting credential, send the header Weir-Assignment, or ask the submitter to add an observer',
    },
  );
}

/**
 * Checks that an assignment is the last one issued, and has not ended.
 * @throws ProcessError `forbidden`, `stale_attempt`
 */
export function checkAssignment(
  { id, assignments, executorId }: Standing,
  credentialId: string,
  assignment: string,
): void {
  const hash = hashOfToken(assignment);
  const place = hash === null ? -1 : assignments.indexOf(hash);
  if (place === -1) throw new ProcessError('forbidden', `the assignment does not belong to process ${id}`);
  if (place < assignments.length - 1 || executorId === null) {
    throw new ProcessError('stale_attempt', `attempt ${place + 1} of process ${id} has ended`);
  }
  if (executorId !== credentialId) {
    throw new ProcessError('forbidden', `process ${id} is assigned to another credential`, {
      hint: 'send the assignment with the credential that received it',
    });
  }
}
