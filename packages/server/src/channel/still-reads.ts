import { ProcessError, type Processes, type Who } from '@weir/channel/process';

/**
 * Whether a long reading of channels is still permitted: an observer may have been removed. The channels themselves end
 * readings of a lost assignment.
 */
export async function stillReads(
  processes: Processes,
  projectId: string,
  processId: string,
  who: Who,
): Promise<boolean> {
  try {
    await processes.enter(projectId, processId, who);
    return true;
  } catch (error) {
    // Other errors, such as an unavailable PostgreSQL, do not revoke the right.
    return !(error instanceof ProcessError && error.code === 'forbidden');
  }
}
