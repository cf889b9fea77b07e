import type { Command } from 'commander';
import { sanitize } from '../output/sanitize.js';
import type { Begin } from '../program.js';
import { wholeNumber } from './number-option.js';
import { limitsCommand, limitsText } from './tenant-limits.js';
import { reportTenant, type TenantState } from './tenant-report.js';
import { printUsage, withUsageOptions } from './usage.js';

/** `weir tenant`: suspends and limits projects, for the operator. */
export function tenantCommand(program: Command, begin: Begin): void {
  const tenant = program
    .command('tenant')
    .description('suspend, resume and limit projects (operator key)')
    .addHelpText(
      'after',
      `
A change reaches every node within 2 s, and outlives restarts.

Examples:
  $ weir tenant list
  $ weir tenant suspend ID --reason "unpaid since March" --status 402
  $ weir tenant resume ID
  $ weir tenant limits set ID --rps 100 --burst 200 --concurrency 8
  $ weir tenant limits set ID --rps 0                 no limit of requests a second
  $ weir tenant limits set ID --channel-rate 1000:5000 --channel-messages 50000
  $ weir tenant limits show ID
  $ weir tenant show ID --json
  $ weir tenant usage ID --from 30d --by day`,
    );
  tenant
    .command('suspend')
    .description('refuse every request of a project: ingest, queries and tool calls')
    .argument('<project>', 'id of the project')
    .option('--reason <text>', 'shown to the project in each refusal')
    .option('--status <code>', '403 suspended, or 402 payment_required', '403')
    .action(async (id: string, { reason, status }: { reason?: string; status: string }, self: Command) => {
      const deny_status = wholeNumber('--status', status);
      const changes = { suspended: true, deny_status, deny_reason: reason ?? null };
      await reportTenant(begin(self), id, changes, standing);
    });
  tenant
    .command('resume')
    .description('resume a suspended project; its limits stay, and a disabled project stays disabled')
    .argument('<project>', 'id of the project')
    .action(async (id: string, _options: unknown, self: Command) => {
      const changes = { suspended: false };
      await reportTenant(begin(self), id, changes, standing);
    });
  tenant
    .command('list')
    .description('all projects, and whether and how much they may use the installation')
    .action(async (_options: unknown, self: Command) => {
      const { listTenants } = await import('./tenant-report.js');
      await listTenants(begin(self));
    });
  tenant
    .command('show')
    .description('whether a project may use the installation, and its limits')
    .argument('<project>', 'id of the project')
    .action(async (id: string, _options: unknown, self: Command) => {
      await reportTenant(begin(self), id, null, (one) => `${standing(one)}\n${limitsText(one)}`);
    });
  withUsageOptions(tenant.command('usage'))
    .description("totals of a project's requests; _sys: requests that belong to no project")
    .argument('<project>', 'id of the project')
    .action(async (id: string, options: Parameters<typeof printUsage>[3], self: Command) => {
      const invocation = begin(self);
      const { api } = await invocation.operator();
      await printUsage(invocation, api, `/api/v1/admin/tenants/${encodeURIComponent(id)}/usage`, options);
    });
  limitsCommand(tenant, begin);
}

function standing({ project_id, enabled, suspended, deny_status, deny_reason }: TenantState): string {
  if (enabled && !suspended) return `project ${project_id} is admitted`;
  const what = suspended ? 'suspended' : 'disabled';
  const reason = deny_reason === null ? '' : `: ${sanitize(deny_reason)}`;
  return `project ${project_id} is ${what}; requests get ${deny_status}${reason}`;
}
