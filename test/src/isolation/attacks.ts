/**
 * Attacks that reach their goal where no wall stands in their way, in the rows of the table in docs/isolation.md. They
 * are few and certain; the gate has a larger collection of its own, which comes in through both surfaces as well.
 */
import type { World } from './world.js';

/** One attack. */
export interface WorldAttack {
  readonly sql: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /**
   * What holding means. `nothing`: the answer shows none of the secrets. `refused`: there is no answer at all, since any
   * would be one too many. `answered`: as if the neighbour were not there, since the error itself would speak of it.
   */
  readonly holds: 'nothing' | 'refused' | 'answered';
}

/** The rows of the table, by their id. */
export function attacks(world: World): Readonly<Record<string, readonly WorldAttack[]>> {
  const { file, folder, neighbour } = world;
  const forged = `${neighbour.project}:${'A'.repeat(64)}:x:`;
  const some = (holds: WorldAttack['holds'], ...texts: string[]): WorldAttack[] =>
    texts.map((sql) => ({ sql, holds }));
  return {
    scope: [neighbour.project, `${neighbour.project}:`, forged, '*', '*:', `*:${'A'.repeat(64)}`, ''].flatMap(
      (comment) =>
        some(
          'nothing',
          `SELECT * FROM (SELECT * FROM events SETTINGS log_comment = '${comment}')`,
          `WITH a AS (SELECT * FROM events SETTINGS log_comment = '${comment}') SELECT * FROM a`,
          `SELECT (SELECT groupArray(event) FROM events SETTINGS log_comment = '${comment}')`,
          `SELECT * FROM persons WHERE distinct_id IN (SELECT distinct_id FROM persons SETTINGS log_comment = '${comment}')`,
          `SELECT * FROM sessions SETTINGS log_comment = '${comment}' UNION ALL SELECT * FROM sessions`,
          `SELECT a.* FROM (SELECT * FROM sessions SETTINGS log_comment = '${comment}') AS a`,
        ),
    ),
    tables: some(
      'nothing',
      'SELECT * FROM weir_base.events_raw_v1',
      'SELECT * FROM weir_base.`events_raw_v1`',
      'SELECT * FROM "weir_base"."events_raw_v1" LIMIT 100',
      'SELECT count(), groupArray(event) FROM weir_base/**/.events_raw_v1',
      "SELECT * FROM events WHERE event IN (SELECT event FROM weir_base.events_raw_v1) OR 'CANARY' IN (SELECT 'x')",
      'SELECT (SELECT groupArray(user_id) FROM weir_base.events_raw_v1)',
      'SELECT * FROM weir_usage.usage_v1',
      "SELECT * FROM merge('weir_usage', '.*')",
      "SELECT * FROM merge('weir_base', '.*')",
      "SELECT * FROM merge('.*', 'events.*')",
      "SELECT * FROM loop('weir_base', 'events_raw_v1') LIMIT 200",
      'SELECT * FROM view(SELECT * FROM weir_base.events_raw_v1)',
      "SELECT * FROM viewIfPermitted(SELECT event FROM weir_base.events_raw_v1 ELSE null('event String'))",
      "SELECT * FROM remote('127.0.0.1', 'weir_base', 'events_raw_v1')",
      "SELECT * FROM cluster('default', 'weir_base', 'events_raw_v1')",
    ).concat([
      {
        sql: 'SELECT * FROM {database:Identifier}.{table:Identifier}',
        params: { database: 'weir_base', table: 'events_raw_v1' },
        holds: 'nothing',
      },
    ]),
    index: some(
      'refused',
      "SELECT * FROM mergeTreeIndex('weir_base', 'events_raw_v1')",
      "SELECT * FROM mergeTreeIndex('weir_base', 'events_raw_v1', with_marks = true)",
      "SELECT * FROM mergeTreeProjection('weir_base', 'events_raw_v1', 'p')",
      "SELECT * FROM mergeTreeAnalyzeIndexes('weir_base', 'events_raw_v1')",
    ),
    sources: some(
      'refused',
      `SELECT * FROM file('${file}', 'LineAsString')`,
      `SELECT * FROM file('${file}', 'RawBLOB', 'x String')`,
      `SELECT * FROM fileCluster('default', '${file}', 'LineAsString')`,
      `SELECT * FROM url('${world.weir.url}/healthz', 'LineAsString')`,
      `SELECT * FROM url('file://${file}', 'LineAsString')`,
      `SELECT * FROM s3('${world.weir.url}/b/k', 'LineAsString')`,
      `SELECT * FROM executable('id', 'TSV', 'x String')`,
      `SELECT * FROM icebergLocal('${folder}')`,
      `SELECT * FROM deltaLakeLocal('${folder}')`,
      `SELECT * FROM mysql('127.0.0.1:${world.weir.port}', 'a', 'b', 'c', 'd')`,
      `SELECT * FROM postgresql('127.0.0.1:${world.weir.port}', 'a', 'b', 'c', 'd')`,
    ),
    sqlite: some('refused', `SELECT * FROM sqlite('${folder}/made.db', 't')`),
    files: some(
      'nothing',
      `SELECT file('${file}')`,
      `SELECT FILE('${file}')`,
      `SELECT \`file\`('${file}')`,
      `SELECT file/* ' */('${file}')`,
      `SELECT arrayMap(x -> file(x), ['${file}'])`,
      `SELECT * APPLY file FROM (SELECT '${file}' AS x)`,
      `SELECT * APPLY(x -> file(x)) FROM (SELECT '${file}' AS x)`,
      `WITH x -> file(x) AS f SELECT f('${file}')`,
      `SELECT file({path:String}), {path:String}`.replace(', {path:String}', ''),
      `SELECT tuple(file('${file}')).1`,
      "SELECT file('/etc/passwd')",
      "SELECT file('/proc/self/environ')",
      `SELECT file('/proc/${world.weir.pid}/environ')`,
      `SELECT throwIf(1, file('${file}'))`,
      `SELECT toUInt8(file('${file}'))`,
    ).map((attack) => (attack.sql.includes('{path') ? { ...attack, params: { path: file } } : attack)),
    zones: some(
      'refused',
      `SELECT toDateTime(1, 'file:${file}')`,
      `SELECT toDateTime64(1, 3, 'file:${file}')`,
      `SELECT now('file:${file}')`,
      `SELECT CAST(1, 'DateTime(\\'file:${file}\\')')`,
      `SELECT toHour(timestamp, 'file:/etc/hostname') FROM events`,
    ),
    identity: some(
      'refused',
      ...[
        'hostName()',
        'FQDN()',
        'currentUser()',
        'user()',
        'currentRoles()',
        'currentDatabase()',
        'version()',
      ],
      ...[
        'uptime()',
        'serverUUID()',
        "getSetting('log_comment')",
        "getServerSetting('max_server_memory_usage')",
      ],
      ...[
        "getMacro('replica')",
        'connectionId()',
        'queryID()',
        'filesystemAvailable()',
        'tcpPort()',
        'buildId()',
      ],
      ...[
        'initialQueryID()',
        "getSettingOrDefault('readonly', 0)",
        'displayName()',
        "hasColumnInTable('weir_base', 'events_raw_v1', 'event')",
      ],
    ).map((attack) => ({ ...attack, sql: `SELECT ${attack.sql}` })),
    system: some(
      'nothing',
      'SELECT name FROM system.databases',
      'SELECT * FROM system.tables',
      'SELECT database, table, name FROM system.columns',
      'SELECT query, Settings FROM system.processes',
      "SELECT value FROM system.settings WHERE name = 'log_comment'",
      'SELECT * FROM system.parts',
      'SELECT last_error_message FROM system.errors',
      'SELECT * FROM system.disks',
      'SELECT * FROM system.row_policies',
      'SELECT * FROM system.query_log',
      'SELECT * FROM information_schema.tables',
      'SELECT * FROM INFORMATION_SCHEMA.COLUMNS',
    ),
    statements: some(
      'refused',
      'SELECT 1; SELECT * FROM weir_base.events_raw_v1',
      'SET ROLE admin; SELECT * FROM weir_base.events_raw_v1',
      `SET log_comment = '${neighbour.project}'; SELECT * FROM events`,
      'SET ROLE admin',
      'USE weir_base',
      'SELECT 1 -- \n; DROP VIEW weir.events',
      'DROP VIEW weir.events',
      'TRUNCATE TABLE weir_base.events_raw_v1',
      'ALTER TABLE weir_base.events_raw_v1 DELETE WHERE 1',
      'INSERT INTO weir_base.events_raw_v1 SELECT * FROM weir_base.events_raw_v1',
      `INSERT INTO FUNCTION file('${folder}/written', 'CSV', 'x UInt8') SELECT 1`,
      'CREATE TABLE weir.t (x UInt8) ENGINE = Memory PARALLEL WITH CREATE TABLE weir.u (x UInt8) ENGINE = Memory',
      'KILL QUERY WHERE 1',
      'SYSTEM SHUTDOWN',
      'SYSTEM DROP MARK CACHE',
      `BACKUP TABLE weir_base.events_raw_v1 TO File('${folder}/backup')`,
      'GRANT ALL ON *.* TO default',
    ),
    explain: some(
      'refused',
      'EXPLAIN ESTIMATE SELECT * FROM events',
      'EXPLAIN indexes = 1 SELECT * FROM events',
      'EXPLAIN SELECT count() FROM events',
      'EXPLAIN PIPELINE SELECT * FROM events',
      'EXPLAIN QUERY TREE run_passes = 1 SELECT * FROM events',
      'SELECT * FROM (EXPLAIN ESTIMATE SELECT * FROM events)',
      'SELECT * FROM (EXPLAIN indexes = 1 SELECT * FROM events)',
      "SELECT * FROM viewExplain('EXPLAIN', 'indexes = 1', (SELECT * FROM events))",
      'DESCRIBE weir_base.events_raw_v1',
      'SHOW CREATE TABLE weir.events',
    ),
    outfile: some(
      'refused',
      `SELECT * FROM events INTO OUTFILE '${folder}/rows'`,
      `SELECT 1 INTO/**/OUTFILE '${folder}/rows.csv' FORMAT CSV`,
      `SELECT 1 UNION ALL SELECT 2 INTO OUTFILE '${folder}/union' TRUNCATE`,
    ),
    errors: some(
      'answered',
      "SELECT count() FROM events WHERE throwIf(event LIKE 'CANARY%') = 0",
      "SELECT count() FROM events WHERE throwIf(user_id LIKE 'CANARY%', 'found') = 0",
      "SELECT count() FROM events WHERE throwIf(startsWith(properties, '{\"CANARY')) = 0",
      "SELECT count() FROM events WHERE NOT (user_id LIKE 'CANARY%' AND user_id::UInt8 >= 0)",
      "SELECT count() FROM events WHERE if(anonymous_id LIKE 'CANARY%', toUInt8(anonymous_id), 1) = 1",
      "SELECT count() FROM events WHERE if(event LIKE 'CANARY%', toDate(event), today()) = today()",
      "SELECT count() FROM persons WHERE throwIf(distinct_id LIKE 'CANARY%') = 0",
      "SELECT count() FROM sessions WHERE throwIf(session_id LIKE 'CANARY%') = 0",
      "SELECT max(throwIf(event LIKE 'CANARY%')) FROM events",
      // A column's dictionary holds every project's values, and functions may run over all of it.
      'SELECT toFixedString(event, 10) FROM events',
      'SELECT count() FROM events WHERE toFixedString(lower(event), 10) != event',
      'SELECT max(toFixedString(entry_event, 10)), max(toFixedString(exit_event, 10)) FROM sessions',
      'SELECT uniq(toFixedString(concat(event, event), 20)) FROM events GROUP BY event',
      "SELECT event FROM events ORDER BY throwIf(event LIKE 'CANARY%') LIMIT 1",
      "SELECT count() FROM events GROUP BY throwIf(user_id LIKE 'CANARY%')",
      "SELECT uniq(user_id) FROM events WHERE user_id NOT IN (SELECT if(throwIf(user_id LIKE 'CANARY%') = 0, user_id, '') FROM events) OR 1",
    ),
    // The neighbour's first event is at this second, and none of the attacker's.
    marks: some(
      'answered',
      'SELECT count() FROM events WHERE divide(toDecimal64(1, 2), toInt64(toDateTime(timestamp)) - 1793491207) != 0',
      'SELECT count() FROM events WHERE intDiv(1, toInt64(toDateTime(timestamp)) - 1793491207) >= -1',
      'SELECT count() FROM events WHERE 1 DIV (toUnixTimestamp(timestamp) - 1793491207) <= 1',
      'SELECT count() FROM (SELECT toUnixTimestamp(timestamp) AS t FROM events) WHERE intDiv(1, t - 1793491207) <= 1',
      'SELECT count() FROM events WHERE modulo(5, toUnixTimestamp(timestamp) - 1793491207) >= 0',
    ),
    states: some(
      'refused',
      "SELECT finalizeAggregation(CAST(unhex('00'), 'AggregateFunction(sum, UInt8)'))",
      "SELECT CAST(unhex('0000'), 'AggregateFunction(quantileTDigest, Float64)')",
      "SELECT initializeAggregation('uniqState', 1)",
      "SELECT JSONExtract('{\"a\":\"x\"}', 'a', 'AggregateFunction(uniq, String)')",
    ),
  };
}
