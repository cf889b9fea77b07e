import type { Command } from 'commander';
import { checkCredentials } from '../api/check-credentials.js';
import { ApiClient } from '../api/client.js';
import { readHealth } from '../api/health.js';
import { CliError } from '../cli-error.js';
import type { Connection } from '../connection/connection.js';
import { mergeSources } from '../connection/connection.js';
import { type Profile, profilesPath, readProfiles, writeProfiles } from '../connection/profiles.js';
import { sourcesOfNewProfile } from '../connection/sources.js';
import type { Invocation } from '../invocation.js';
import type { Begin } from '../program.js';

const DEFAULT_PROFILE = 'default';

/** `weir login`: saves a server and its credentials as a profile. */
export function loginCommand(program: Command, begin: Begin): void {
  program
    .command('login')
    .description('save a server, a project and its credentials as a profile, and select it')
    .option('--token <token>', 'ingest token of the project')
    .option('--no-verify', 'do not verify the credentials with the server')
    .addHelpText(
      'after',
      `
What is not given as an option is taken from the environment, which keeps keys out of the shell's history.

Examples:
  $ weir login --server https://weir.example --project ID --key weir_sec_… --token weir_pub_…
  $ WEIR_KEY=… weir login --profile staging --server https://staging.example --project ID
  $ weir query --profile staging "SELECT 1"`,
    )
    .action(async (options: { verify: boolean }, self: Command) => {
      await login(begin(self), options.verify);
    });
}

async function login(invocation: Invocation, verify: boolean): Promise<void> {
  const { context, options, output } = invocation;
  const { profile: name = DEFAULT_PROFILE } = options;
  const path = profilesPath(context.env);
  const connection = mergeSources(await sourcesOfNewProfile(options, context.env, context.cwd));
  if (verify) await mustBeGood(connection);
  const { profiles } = await readProfiles(path);
  await writeProfiles(path, { current: name, profiles: { ...profiles, [name]: profileOf(connection) } });
  const { server, project } = connection;
  output.result(
    { profile: name, server, project, path },
    `profile ${name}: ${server}${project === null ? '' : `, project ${project}`}`,
  );
}

async function mustBeGood(connection: Connection): Promise<void> {
  await readHealth(new ApiClient(connection.server, null));
  for (const { name, problem } of await checkCredentials(connection)) {
    if (problem !== null) {
      throw new CliError(problem.kind, problem.code, `the ${name} is invalid: ${problem.message}`, {
        hint: 'Correct it, or save it unverified with --no-verify',
      });
    }
  }
}

function profileOf({ server, project, key, operatorKey, token }: Connection): Profile {
  return {
    server,
    ...(project === null ? {} : { project }),
    ...(key === null ? {} : { key }),
    ...(operatorKey === null ? {} : { operator_key: operatorKey }),
    ...(token === null ? {} : { token }),
  };
}
