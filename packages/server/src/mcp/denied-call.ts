/** Converts refusals of the admission gate to errors for a model. */
import type { Denied } from '@weir/usage';
import { secondsToWait, wayOut } from '../admission/denial.js';
import { ToolError } from './tool-error.js';

/** The error of a call that was not admitted. */
export function toolErrorOfDenial(denied: Denied, upgradeUrl: string | null): ToolError {
  const seconds = secondsToWait(denied);
  const hint = wayOut(denied, upgradeUrl);
  const next =
    seconds > 0
      ? `wait ${seconds} s, then call again with the same arguments.`
      : denied.code === 'rate_limited'
        ? 'wait, then call again with the same arguments.'
        : `tell the user: calling again does not help.${hint === undefined ? '' : ` They can ${hint}`}`;
  const retry_after_s = seconds > 0 ? seconds : undefined;
  return new ToolError(denied.code, denied.detail, { hint: next, retry_after_s });
}
