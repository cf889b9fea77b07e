/** `weir event doctor`: finds problems that prevent consumers from receiving events. */
import { ApiClient } from '../api/client.js';
import { CliError } from '../cli-error.js';
import { weirHome } from '../connection/profiles.js';
import { type Check, fail, ok, warn } from '../doctor/check.js';
import type { Invocation } from '../invocation.js';
import { VERSION } from '../version.js';
import { knownBuses, STOP_HINT } from './bus-control.js';
import { loadKeys, untrustedNote } from './key-registry.js';
import { leftLeases } from './left-leases.js';

/** Checks the keys, the bus directory, its buses, and the server's feed. */
export async function checkEvents(invocation: Invocation, keys: string | undefined): Promise<Check[]> {
  return [await checkKeys(invocation, keys), ...(await checkBuses(invocation)), await checkFeed(invocation)];
}

async function checkKeys({ context }: Invocation, file: string | undefined): Promise<Check> {
  try {
    const known = await loadKeys(file, context);
    const { length } = known.registry.listAll();
    const note = untrustedNote(known);
    if (note !== null) return warn('keys', `${length} keys can be consumed`, note);
    return ok('keys', `${length} keys can be consumed`);
  } catch (error) {
    const { message, reasons, hint = 'Correct the file' } = CliError.from(error);
    return fail('keys', [message, ...reasons].join('; '), hint);
  }
}

async function checkBuses(invocation: Invocation): Promise<Check[]> {
  const home = weirHome(invocation.context.env);
  const buses = await knownBuses(invocation).catch((error: unknown) => error);
  if (!Array.isArray(buses)) {
    return [fail('buses', `${home}: ${String(buses)}`, 'Make it yours alone (0700), or set WEIR_HOME')];
  }
  if (buses.length === 0) return [ok('buses', `none has run in ${home}`)];
  const checks = buses.map(
    async ({ found, state, status }: Awaited<ReturnType<typeof knownBuses>>[number]) => {
      const { directory, file } = found;
      if (state === 'orphaned') {
        const hint = `${STOP_HINT}; see ${directory.logFile}`;
        return fail('bus', `process ${file?.pid ?? '?'} lives and does not answer`, hint);
      }
      const left = await leftLeases(directory.leasesFile, status);
      if (left.length > 0) {
        const hint = 'The next start of the bus tries again: consume the key once more, and see its log';
        return warn('bus', `cleanup is due for ${left.join(', ')}`, hint);
      }
      if (status === undefined) return ok('bus', `${directory.path}: stopped, nothing left behind`);
      const broken = status.sources.find((one) => one.state !== 'connected');
      if (broken !== undefined) {
        return warn('bus', `${broken.source} is ${broken.state}: ${broken.message ?? ''}`, 'It tries again');
      }
      if (status.version !== VERSION) {
        return warn(
          'bus',
          `release ${status.version}, this is ${VERSION}`,
          'The next consumer starts a bus of the new release',
        );
      }
      return ok('bus', `process ${status.pid} serves ${status.consumers.length} consumers`);
    },
  );
  return await Promise.all(checks);
}

async function checkFeed(invocation: Invocation): Promise<Check> {
  const { server, project, key } = await invocation.connection();
  if (project === null || key === null) {
    return warn(
      'feed',
      'no project or no API key is named',
      'See "weir login"; files, NATS and webhooks need none',
    );
  }
  try {
    const path = `/api/v1/projects/${encodeURIComponent(project)}/feed/groups`;
    await new ApiClient(server, key).response({ method: 'GET', path });
    return ok('feed', `${server} lets this key follow the project`);
  } catch (error) {
    const failure = CliError.from(error);
    const hint = failure.hint ?? 'Give an API key with the scope feed: weir key create --scope feed';
    return fail('feed', `${server}: ${failure.message}`, hint);
  }
}
