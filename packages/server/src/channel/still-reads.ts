import { ProcessError, type Processes, type Who } from '@weir/channel/process';

/**
 * Whether somebody who reads channels of a process for long would be let in now as well: an observer may have been taken
 * off. Who has lost its assignment is told by the channels themselves.
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
    // What else goes wrong says nothing about the right, such as PostgreSQL that is away.
    return !(error instanceof ProcessError && error.code === 'forbidden');
  }
}
