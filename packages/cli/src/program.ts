import { Command } from 'commander';
import { type CliContext, type GlobalOptions, Invocation } from './invocation.js';
import { asTyped } from './output/typed-command.js';
import { VERSION } from './version.js';

/** Creates the invocation of a command from all its options. */
export type Begin = (command: Command) => Invocation;

const EXAMPLES = `
Examples:
  $ weir serve                                      start a server with its data in ./.weir
  $ weir send signup --user u1 --prop plan=pro      send an event
  $ weir query "SELECT event, count() FROM events GROUP BY event"
  $ weir event consume weir.event                   follow events as they are accepted
  $ weir demo                                       send the last month of a made-up shop
  $ weir doctor                                     what is wrong, and what to do about it

Where a command connects to, the first that knows: options, WEIR_SERVER, WEIR_PROJECT, WEIR_KEY, WEIR_TOKEN and
WEIR_OPERATOR_KEY, the profile in ~/.weir/config.json ("weir login"), the server whose data is in ./.weir or
WEIR_DATA_DIR, http://127.0.0.1:8080. A profile named by --profile comes before the variables.

Exit codes: 0 done · 1 failed · 2 usage or something missing · 3 credential or scope · 4 no answer · 5 internal · 6 not yet (process wait, process assign)`;

/** Adds a command to the program. */
type AddCommand = (program: Command, begin: Begin) => void;

/** The commands in the order of the help text, with the modules that add them. */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<AddCommand>>> = {
  serve: async (args) => {
    const { serveCommand } = await import('./commands/serve.js');
    // Reading the settings loads the whole server, so do it only on demand.
    const isAsked = args.includes('serve') || args.includes('complete');
    const settings = isAsked ? (await import('@weir/server')).settings() : [];
    return (program, begin) => serveCommand(program, begin, settings);
  },
  send: async () => (await import('./commands/send.js')).sendCommand,
  query: async () => (await import('./commands/query.js')).queryCommand,
  schema: async () => (await import('./commands/schema.js')).schemaCommand,
  usage: async () => (await import('./commands/usage.js')).usageCommand,
  event: async () => (await import('./commands/event.js')).eventCommand,
  process: async () => (await import('./commands/process.js')).processCommand,
  channel: async () => (await import('./commands/channel.js')).channelCommand,
  mcp: async () => (await import('./commands/mcp.js')).mcpCommand,
  dlq: async () => (await import('./commands/dlq.js')).dlqCommand,
  ingest: async () => (await import('./commands/ingest.js')).ingestCommand,
  project: async () => (await import('./commands/project.js')).projectCommand,
  tenant: async () => (await import('./commands/tenant.js')).tenantCommand,
  token: async () => (await import('./commands/token.js')).tokenCommand,
  key: async () => (await import('./commands/key.js')).keyCommand,
  env: async () => (await import('./commands/env.js')).envCommand,
  login: async () => (await import('./commands/login.js')).loginCommand,
  config: async () => (await import('./commands/config.js')).configCommand,
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
  demo: async () => (await import('./commands/demo.js')).demoCommand,
  version: async () => (await import('./commands/version.js')).versionCommand,
};

/** Options of the program that take a value. */
const VALUE_OPTIONS = new Set(['--server', '--project', '--key', '--operator-key', '--profile']);

/**
 * Runs a command line. Loads only the module of the named command; loads all of them for the help text, for completion,
 * and to suggest a mistyped command.
 * @param context streams, environment and working directory
 */
export async function runProgram(args: readonly string[], context: CliContext): Promise<void> {
  const { program, begin } = emptyProgram(context);
  const load = COMMANDS[commandOf(args) ?? ''];
  const loads = load === undefined ? Object.values(COMMANDS) : [load];
  for (const add of await Promise.all(loads.map((one) => one(args)))) add(program, begin);
  if (load === undefined)
    await (await import('./commands/completion.js')).addCompletion(program, begin, args);
  await program.parseAsync(args, { from: 'user' });
}

/** The first word that is neither an option nor its value. */
function commandOf(args: readonly string[]): string | undefined {
  for (let i = 0; i < args.length; i += 1) {
    const word = args[i] ?? '';
    if (!word.startsWith('-')) return word;
    if (VALUE_OPTIONS.has(word)) i += 1;
  }
  return undefined;
}

function emptyProgram(context: CliContext): { readonly program: Command; readonly begin: Begin } {
  const program = new Command('weir')
    .description('Weir, a self-hosted event backend')
    .option('--server <url>', 'server to talk to')
    .option('--project <id>', 'project to work in')
    .option('--key <key>', 'API key of the project (weir_sec_…)')
    .option('--operator-key <key>', 'key of the installation (weir_ops_…)')
    .option('--profile <name>', 'profile of ~/.weir/config.json')
    .option('--json', 'results and errors as JSON')
    .option('--debug', 'show where an error came from')
    .version(VERSION, '--version', 'version of Weir')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    // The caller reports usage errors like all other errors.
    .configureOutput({
      outputError: () => {},
      writeOut: (text) => context.stdout.write(asTyped(text, context.env)),
      writeErr: (text) => context.stderr.write(text),
    });
  const begin: Begin = (command) => new Invocation(context, command.optsWithGlobals<GlobalOptions>());
  return { program, begin };
}
