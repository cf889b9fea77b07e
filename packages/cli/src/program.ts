import type { SettingInfo } from '@weir/server';
import { Command } from 'commander';
import { channelCommand } from './commands/channel.js';
import { addCompletion } from './commands/completion.js';
import { configCommand } from './commands/config.js';
import { demoCommand } from './commands/demo.js';
import { dlqCommand } from './commands/dlq.js';
import { doctorCommand } from './commands/doctor.js';
import { eventCommand } from './commands/event.js';
import { ingestCommand } from './commands/ingest.js';
import { keyCommand } from './commands/key.js';
import { loginCommand } from './commands/login.js';
import { mcpCommand } from './commands/mcp.js';
import { processCommand } from './commands/process.js';
import { projectCommand } from './commands/project.js';
import { queryCommand } from './commands/query.js';
import { sendCommand } from './commands/send.js';
import { serveCommand } from './commands/serve.js';
import { tenantCommand } from './commands/tenant.js';
import { tokenCommand } from './commands/token.js';
import { usageCommand } from './commands/usage.js';
import { versionCommand } from './commands/version.js';
import { type CliContext, type GlobalOptions, Invocation } from './invocation.js';

/** Makes the invocation of a command from all options that were given to it. */
export type Begin = (command: Command) => Invocation;

const EXAMPLES = `
Examples:
  $ weir serve                                      start a server with its data in ./.weir
  $ weir send signup --user u1 --prop plan=pro      send an event
  $ weir query "SELECT event, count() FROM events GROUP BY event"
  $ weir event consume weir.event                   follow events as they are accepted
  $ weir demo                                       send 200,000 flights, to have something to look at
  $ weir doctor                                     what is wrong, and what to do about it

Where a command connects to, the first that knows: options, WEIR_SERVER, WEIR_PROJECT, WEIR_KEY, WEIR_TOKEN and
WEIR_OPERATOR_KEY, the profile in ~/.weir/config.json ("weir login"), the server whose data is in ./.weir or
WEIR_DATA_DIR, http://127.0.0.1:8080. A profile named by --profile comes before the variables.

Exit codes: 0 done · 1 failed · 2 usage or something missing · 3 credential or scope · 4 no answer · 5 internal`;

/**
 * The whole command line.
 * @param settings the server's, as flags of \`weir serve\`; empty where that command is not asked for
 * @param context streams, environment and directory the commands work with
 */
export function createProgram(settings: readonly SettingInfo[], context: CliContext): Command {
  const program = new Command('weir')
    .description('Weir, a self-hosted event backend')
    .option('--server <url>', 'server to talk to')
    .option('--project <id>', 'project to work in')
    .option('--key <key>', 'API key of the project (weir_sec_…)')
    .option('--operator-key <key>', 'key of the installation (weir_ops_…)')
    .option('--profile <name>', 'profile of ~/.weir/config.json')
    .option('--json', 'results and errors as JSON')
    .option('--debug', 'show where an error came from')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    // Errors of usage are reported like all others, in one place.
    .configureOutput({
      outputError: () => {},
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    });
  const begin: Begin = (command) => new Invocation(context, command.optsWithGlobals<GlobalOptions>());
  serveCommand(program, begin, settings);
  sendCommand(program, begin);
  queryCommand(program, begin);
  usageCommand(program, begin);
  eventCommand(program, begin);
  processCommand(program, begin);
  channelCommand(program, begin);
  mcpCommand(program, begin);
  dlqCommand(program, begin);
  ingestCommand(program, begin);
  projectCommand(program, begin);
  tenantCommand(program, begin);
  tokenCommand(program, begin);
  keyCommand(program, begin);
  loginCommand(program, begin);
  configCommand(program, begin);
  doctorCommand(program, begin);
  demoCommand(program, begin);
  versionCommand(program, begin);
  addCompletion(program);
  return program;
}
