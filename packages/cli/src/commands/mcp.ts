import type { Command } from 'commander';
import { type CliError, usageError } from '../cli-error.js';
import type { Invocation } from '../invocation.js';
import type { Begin } from '../program.js';

/** `weir mcp`: the server's MCP tools over standard input and output, for desktop clients. */
export function mcpCommand(program: Command, begin: Begin): void {
  program
    .command('mcp')
    .description("the project's events as tools for an agent (MCP over standard input and output)")
    .addHelpText(
      'after',
      `
Meant to be started by an agent or a desktop client, whose configuration looks like this:
  {
    "mcpServers": {
      "weir": {
        "command": "weir",
        "args": ["mcp"],
        "env": { "WEIR_SERVER": "https://weir.example", "WEIR_KEY": "weir_sec_…" }
      }
    }
  }
Without "env" it uses what other commands use: the profile of "weir login", or the server with its data in ./.weir.
The key needs the scope "query". A client that speaks HTTP can use the server's /mcp itself.`,
    )
    .action(async (_options: unknown, self: Command) => {
      await mcp(begin(self));
    });
}

async function mcp(invocation: Invocation): Promise<void> {
  const { server, key } = await invocation.connection();
  if (key === null) {
    throw usageError(
      `no API key for ${server}`,
      'Give --key or WEIR_KEY, save one with "weir login", or run the command in the directory that contains .weir',
    );
  }
  const { bridge } = await import('../mcp/bridge.js');
  let last = '';
  await bridge({ server, key }, invocation.context, (error: CliError) => {
    // While the server is down, every message fails in the same way: report it once.
    if (error.message !== last) invocation.output.failure(error);
    last = error.message;
  });
}
