/** Checks the server that commands use. */
import { z } from 'zod';
import { checkCredentials } from '../api/check-credentials.js';
import { ApiClient } from '../api/client.js';
import { type HealthDocument, healthAndDate } from '../api/health.js';
import { CliError } from '../cli-error.js';
import type { Connection } from '../connection/connection.js';
import { VERSION } from '../version.js';
import { type Check, fail, ok, warn } from './check.js';

const TIMEOUT_MS = 10_000;
/** The Date header has whole seconds; smaller differences are ignored. */
const CLOCK_TOLERANCE_MS = 5_000;
const LOG_ALMOST_FULL = 0.8;

const readiness = z.object({ ready: z.boolean(), draining: z.boolean(), tokens: z.string() });

/** Server, stores, clock, version and credentials. */
export async function checkServer(connection: Connection): Promise<Check[]> {
  const api = new ApiClient(connection.server, null);
  const started = Date.now();
  try {
    const { health, date } = await healthAndDate(api, TIMEOUT_MS);
    const now = (started + Date.now()) / 2;
    return [
      checkHealth(health, connection),
      await checkReady(api),
      ...checkStores(health),
      ...checkIngest(health),
      checkVersion(health.version),
      ...(date === null ? [] : [checkClock(date.getTime() - now)]),
      ...(await credentialChecks(connection)),
    ];
  } catch (error) {
    const { message, hint = 'Check --server' } = CliError.from(error);
    return [fail('server', `${message} (named by ${connection.serverFrom})`, hint)];
  }
}

function checkHealth({ status, fatal }: HealthDocument, { server, serverFrom }: Connection): Check {
  if (status === 'ok') return ok('server', `${server} is healthy (named by ${serverFrom})`);
  return fatal
    ? fail(
        'server',
        `${server} cannot store events: ClickHouse and PostgreSQL are both unavailable`,
        'Check the stores listed below',
      )
    : fail('server', `${server} reports that it is down: too many dead letters`, 'Look at "weir dlq list"');
}

async function checkReady(api: ApiClient): Promise<Check> {
  const response = await api.any({ path: '/readyz', timeoutMs: TIMEOUT_MS });
  const parsed = readiness.safeParse(await response.json().catch(() => null));
  if (!parsed.success) return fail('ready', `/readyz answers ${response.status}`, 'Look into the server log');
  const { ready, draining, tokens } = parsed.data;
  if (ready) return ok('ready', 'takes traffic');
  if (draining) return warn('ready', 'is shutting down', 'Wait, then start it again');
  return tokens === 'down'
    ? fail('ready', 'cannot check tokens', 'Bring PostgreSQL back')
    : fail('ready', 'cannot write its log', 'Make room on its disk, or raise WEIR_LOG_MAX_BYTES');
}

function checkStores({ log, clickhouse, postgres }: HealthDocument): Check[] {
  return [
    checkLog(log),
    clickhouse.state === 'ok'
      ? ok('clickhouse', 'answers')
      : fail(
          'clickhouse',
          'does not answer; events are kept meanwhile',
          'Check WEIR_CLICKHOUSE_URL and that server, or the server log where the engine is embedded',
        ),
    postgres.state === 'ok'
      ? ok('postgres', 'answers')
      : fail(
          'postgres',
          'does not answer; known credentials stand meanwhile',
          'Check WEIR_POSTGRES_URL and that server, or the server log where it is embedded',
        ),
  ];
}

function checkLog({ state, bytes, max_bytes: max }: HealthDocument['log']): Check {
  const hint = 'Make room on its disk, or raise WEIR_LOG_MAX_BYTES';
  if (state === 'down') return fail('log', 'cannot be written', hint);
  const share = typeof bytes === 'number' && typeof max === 'number' && max > 0 ? bytes / max : 0;
  const text = `can be written, ${(share * 100).toFixed(0)} % full`;
  return share > LOG_ALMOST_FULL ? warn('log', text, hint) : ok('log', text);
}

function checkIngest({ ingest_disabled, dlq_depth, quarantined, pending }: HealthDocument): Check[] {
  const state = ingest_disabled
    ? warn('ingest', 'is disabled', 'Enable it with "weir ingest enable"')
    : ok('ingest', `is enabled, ${pending} events pending`);
  if (quarantined > 0) {
    const text = `${quarantined} events are quarantined`;
    return [state, warn('dead letters', text, 'Look at "weir dlq list", then retry, export or purge them')];
  }
  if (dlq_depth === 0) return [state, ok('dead letters', 'none')];
  return [state, warn('dead letters', `${dlq_depth} events are still tried`, 'Look at "weir dlq list"')];
}

function checkVersion(version: string): Check {
  if (version === VERSION) return ok('version', version);
  return warn('version', `the server is ${version}, this command ${VERSION}`, 'Use the same version of both');
}

function checkClock(differenceMs: number): Check {
  if (Math.abs(differenceMs) <= CLOCK_TOLERANCE_MS) return ok('clock', "agrees with the server's");
  const seconds = Math.abs(differenceMs / 1000).toFixed(0);
  const side = differenceMs > 0 ? 'ahead of' : 'behind';
  return warn('clock', `the server is ${seconds} s ${side} this machine`, 'Synchronise both clocks (NTP)');
}

async function credentialChecks(connection: Connection): Promise<Check[]> {
  const checks = await checkCredentials(connection);
  if (checks.length === 0) {
    return [warn('credentials', 'none known for this server', 'Save them with "weir login"')];
  }
  return checks.map(({ name, problem }) =>
    problem === null
      ? ok(name, 'is good')
      : fail(name, problem.message, 'Give another, or save it with "weir login"'),
  );
}
