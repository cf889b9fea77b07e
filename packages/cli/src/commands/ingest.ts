import type { Command } from 'commander';
import { z } from 'zod';
import { ApiClient } from '../api/client.js';
import { readHealth } from '../api/health.js';
import type { Invocation } from '../invocation.js';
import type { Begin } from '../program.js';

const killSwitch = z.object({ disabled: z.boolean() });

/** `weir ingest`: the kill switch. */
export function ingestCommand(program: Command, begin: Begin): void {
  const ingest = program
    .command('ingest')
    .description('switch ingest of the installation off and on')
    .addHelpText(
      'after',
      `
Examples:
  $ weir ingest disable --operator-key weir_ops_…     new events get 503 ingest_disabled, on all nodes
  $ weir ingest enable
  $ weir ingest status                                needs no key`,
    );
  ingest
    .command('disable')
    .description('refuse new events, until enabled again')
    .action(async (_options: unknown, self: Command) => await throwSwitch(begin(self), true));
  ingest
    .command('enable')
    .description('accept events again')
    .action(async (_options: unknown, self: Command) => await throwSwitch(begin(self), false));
  ingest
    .command('status')
    .description('show whether ingest is enabled, and the number of pending events')
    .action(async (_options: unknown, self: Command) => {
      const invocation = begin(self);
      const { server } = await invocation.connection();
      const health = await readHealth(new ApiClient(server, null));
      const { ingest_disabled, fatal, pending, dlq_depth, quarantined } = health;
      const state = ingest_disabled ? 'disabled' : fatal ? 'down: no store accepts events' : 'enabled';
      invocation.output.result(
        { disabled: ingest_disabled, fatal, pending, dlq_depth, quarantined },
        `ingest is ${state}; ${pending} events pending, ${dlq_depth} dead letters still tried, ${quarantined} quarantined`,
      );
    });
}

async function throwSwitch(invocation: Invocation, wanted: boolean): Promise<void> {
  const { api } = await invocation.operator();
  const path = '/api/v1/admin/ingest';
  const state = await api.json(killSwitch, { method: 'PUT', path, body: { disabled: wanted } });
  invocation.output.result(state, `ingest is ${state.disabled ? 'disabled' : 'enabled'}`);
}
