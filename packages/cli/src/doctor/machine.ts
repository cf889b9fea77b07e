/** Checks whether a server can run on this machine in this directory. */
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, resolve } from 'node:path';
import type { Config } from '@weir/server';
import { ApiClient } from '../api/client.js';
import { readHealth } from '../api/health.js';
import { CliError } from '../cli-error.js';
import type { CliContext } from '../invocation.js';
import { loadSettings } from '../serve/settings.js';
import { type Check, fail, ok, warn } from './check.js';

const LEAST_NODE = [20, 19] as const;
/** With less free space the engine cannot merge. */
const LEAST_DISK_BYTES = 256 * 2 ** 20;
const SCARCE_DISK_BYTES = 2 * 2 ** 30;
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * Node.js, settings, data directory, disk and port.
 * @param server URL of the server that commands use
 */
export async function checkMachine(context: CliContext, server: string): Promise<Check[]> {
  const node = checkNode(process.versions.node);
  let config: Config;
  try {
    config = (await loadSettings(context, {})).config;
  } catch (error) {
    const { message, reasons } = CliError.from(error);
    return [node, fail('settings', `${message}: ${reasons.join('; ')}`, 'Correct the variables or .env')];
  }
  const dataDir = resolve(context.cwd, config.WEIR_DATA_DIR);
  return [
    node,
    ok('settings', 'all can be used'),
    ...(await checkDataDir(dataDir)),
    (await portOfServer(server, config.WEIR_PORT)) ?? (await checkPort(config.WEIR_HOST, config.WEIR_PORT)),
  ];
}

/** Checks the version of Node.js. */
function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  const isNewEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  if (isNewEnough) return ok('node', `Node.js ${version}`);
  return fail('node', `Node.js ${version}`, `Install Node.js ${LEAST_NODE.join('.')} or newer`);
}

async function checkDataDir(path: string): Promise<Check[]> {
  const existing = await nearestExisting(path);
  if (!(await stat(existing)).isDirectory())
    return [fail('data dir', `${existing} is a file`, 'Set WEIR_DATA_DIR to a directory')];
  try {
    await access(existing, constants.W_OK | constants.X_OK);
  } catch {
    return [fail('data dir', `${existing} cannot be written`, 'Change its rights, or set WEIR_DATA_DIR')];
  }
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  const text = `${(free / 2 ** 30).toFixed(1)} GiB free on the disk of ${path}`;
  const hint = 'Make room, or set WEIR_DATA_DIR to another disk';
  return [
    ok('data dir', existing === path ? `${path} can be written` : `${path} will be made by the first start`),
    free < LEAST_DISK_BYTES
      ? fail('disk', text, hint)
      : free < SCARCE_DISK_BYTES
        ? warn('disk', text, hint)
        : ok('disk', text),
  ];
}

async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const exists = await access(at).then(
      () => true,
      () => false,
    );
    if (exists || at === dirname(at)) return at;
  }
}

/**
 * The port of a server that runs here with other settings, such as a flag. The port in the settings is then unused, and
 * reporting it as free or in use would mislead.
 */
async function portOfServer(server: string, configured: number): Promise<Check | undefined> {
  const { hostname, port, protocol } = new URL(server);
  const used = Number(port || (protocol === 'https:' ? 443 : 80));
  if (used === configured || !['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return undefined;
  try {
    await readHealth(new ApiClient(server, null), CONNECT_TIMEOUT_MS);
    return ok('port', `the server listens on port ${used}; "weir serve" here would take ${configured}`);
  } catch {
    return undefined;
  }
}

async function checkPort(host: string, port: number): Promise<Check> {
  if (port === 0) return ok('port', 'each start selects a free port');
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  if (!(await isTaken(reachable, port))) return ok('port', `${host}:${port} is free`);
  const name = reachable.includes(':') ? `[${reachable}]` : reachable;
  try {
    await readHealth(new ApiClient(`http://${name}:${port}`, null), CONNECT_TIMEOUT_MS);
    return ok('port', `a Weir server listens on ${host}:${port}`);
  } catch {
    return fail(
      'port',
      `another program listens on ${host}:${port}`,
      'Stop it, or set WEIR_PORT to another port',
    );
  }
}

function isTaken(host: string, port: number): Promise<boolean> {
  return new Promise((resolveTaken) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const settle = (taken: boolean): void => {
      socket.destroy();
      resolveTaken(taken);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
