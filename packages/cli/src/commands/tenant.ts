import type { Command } from 'commander';
import { z } from 'zod';
import { usageError } from '../cli-error.js';
import type { Invocation } from '../invocation.js';
import { sanitize } from '../output/sanitize.js';
import type { Begin } from '../program.js';
import { printUsage, withUsageOptions } from './usage.js';

const state = z.looseObject({
  project_id: z.string(),
  enabled: z.boolean(),
  suspended: z.boolean(),
  deny_status: z.number(),
  deny_reason: z.string().nullable(),
  rate_limit_rps: z.number(),
  rate_burst: z.number(),
  concurrency_limit: z.number(),
});
type State = z.output<typeof state>;

const PER_NODE =
  'Limits are per node: with n nodes behind a balancer a project may have n times as much. A RateLimiter of the\nhost, where there is one, is asked besides (docs/extending.md).';

/** `weir tenant`: who may use the installation, and how much, for its operator. */
export function tenantCommand(program: Command, begin: Begin): void {
  const tenant = program
    .command('tenant')
    .description('suspend, resume and limit projects (operator key)')
    .addHelpText(
      'after',
      `
A change reaches every node within 2 s, and outlives restarts.

Examples:
  $ weir tenant suspend ID --reason "unpaid since March" --status 402
  $ weir tenant resume ID
  $ weir tenant limits set ID --rps 100 --burst 200 --concurrency 8
  $ weir tenant limits set ID --rps 0                 no limit of requests a second
  $ weir tenant limits show ID
  $ weir tenant show ID --json
  $ weir tenant usage ID --from 30d --by day`,
    );
  tenant
    .command('suspend')
    .description('refuse every request of a project: ingest, queries and tool calls')
    .argument('<project>', 'id of the project')
    .option('--reason <text>', 'told to whoever is refused')
    .option('--status <code>', '403 suspended, or 402 payment_required', '403')
    .action(async (id: string, { reason, status }: { reason?: string; status: string }, self: Command) => {
      const deny_status = wholeNumber('--status', status);
      const changes = { suspended: true, deny_status, deny_reason: reason ?? null };
      await report(begin(self), id, changes, standing);
    });
  tenant
    .command('resume')
    .description('let a suspended project in again; its limits stay, and so does what disabled it')
    .argument('<project>', 'id of the project')
    .action(async (id: string, _options: unknown, self: Command) => {
      const changes = { suspended: false };
      await report(begin(self), id, changes, standing);
    });
  tenant
    .command('show')
    .description('whether a project may use the installation, and its limits')
    .argument('<project>', 'id of the project')
    .action(async (id: string, _options: unknown, self: Command) => {
      await report(begin(self), id, null, (one) => `${standing(one)}\n${limitsOf(one)}`);
    });
  withUsageOptions(tenant.command('usage'))
    .description("what a project's requests came to; _sys for those of nobody")
    .argument('<project>', 'id of the project')
    .action(async (id: string, options: Parameters<typeof printUsage>[3], self: Command) => {
      const invocation = begin(self);
      const { api } = await invocation.operator();
      await printUsage(invocation, api, `/api/v1/admin/tenants/${encodeURIComponent(id)}/usage`, options);
    });
  limitsCommand(tenant, begin);
}

function limitsCommand(tenant: Command, begin: Begin): void {
  const limits = tenant.command('limits').description('how much a project may do, on each node');
  limits
    .command('show')
    .description('the limits of a project')
    .argument('<project>', 'id of the project')
    .action(async (id: string, _options: unknown, self: Command) => {
      await report(begin(self), id, null, (one) => `${limitsOf(one)}\n${PER_NODE}`);
    });
  limits
    .command('set')
    .description('change limits of a project; what is not named stays, and 0 lifts a limit')
    .argument('<project>', 'id of the project')
    .option('--rps <number>', 'requests a second, such as 100 or 0.5')
    .option('--burst <number>', 'requests at once after a pause; 0 is twice the rate')
    .option('--concurrency <number>', 'requests at the same time')
    .addHelpText('after', `\n${PER_NODE}`)
    .action(
      async (
        id: string,
        { rps, burst, concurrency }: { rps?: string; burst?: string; concurrency?: string },
        self: Command,
      ) => {
        if (rps === undefined && burst === undefined && concurrency === undefined) {
          throw usageError(
            'nothing to set',
            'Name --rps, --burst or --concurrency; "weir tenant limits show" shows what there is',
          );
        }
        const changes = {
          ...(rps === undefined ? {} : { rate_limit_rps: number('--rps', rps) }),
          ...(burst === undefined ? {} : { rate_burst: wholeNumber('--burst', burst) }),
          ...(concurrency === undefined
            ? {}
            : { concurrency_limit: wholeNumber('--concurrency', concurrency) }),
        };
        await report(begin(self), id, changes, limitsOf);
      },
    );
}

/** Changes a state, or with null only reads it, and prints it. */
async function report(
  invocation: Invocation,
  id: string,
  changes: object | null,
  textOf: (one: State) => string,
): Promise<void> {
  const { api } = await invocation.operator();
  const path = `/api/v1/admin/tenants/${encodeURIComponent(id)}`;
  const one = await api.json(state, changes === null ? { path } : { method: 'PUT', path, body: changes });
  invocation.output.result(one, textOf(one));
}

function standing({ project_id, enabled, suspended, deny_status, deny_reason }: State): string {
  if (enabled && !suspended) return `project ${project_id} is admitted`;
  const what = suspended ? 'suspended' : 'disabled';
  const reason = deny_reason === null ? '' : `: ${sanitize(deny_reason)}`;
  return `project ${project_id} is ${what}; requests get ${deny_status}${reason}`;
}

function limitsOf({ rate_limit_rps: rps, rate_burst: burst, concurrency_limit: concurrency }: State): string {
  const atOnce = burst === 0 ? Math.ceil(2 * rps) : burst;
  const rate = rps === 0 ? 'no limit' : `${rps}, ${atOnce} at once`;
  return `Requests a second          ${rate}\nRequests at the same time  ${concurrency === 0 ? 'no limit' : concurrency}`;
}

function number(option: string, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw usageError(`${option} ${text}: must be a number from 0`);
}

function wholeNumber(option: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw usageError(`${option} ${text}: must be a whole number from 0`);
}
