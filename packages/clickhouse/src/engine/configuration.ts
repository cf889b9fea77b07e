import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { databaseNames, publicViews } from '../migrate/migration.js';
import type { ScopeSigner } from '../scope.js';
import type { EngineLimits, Wall } from './control.js';

const MIB = 1024 * 1024;

/** The engine's configuration on disk, needed only while the engine opens. */
export interface ConfigurationFiles {
  /** The command-line argument that passes it to every session. */
  readonly argument: string;
  /** Removes the files; later sessions use the configuration that was read. */
  remove(): void;
}

/**
 * Writes config.xml and users.xml into `directory` under new names, so that a file left by a crash is never read. Such
 * a file contains the row-policy key of that start, which is no longer valid.
 */
export function writeConfiguration(
  directory: string,
  limits: EngineLimits,
  scope: ScopeSigner,
  without: readonly Wall[],
): ConfigurationFiles {
  const name = `boot-${randomBytes(6).toString('hex')}`;
  const users = join(directory, `${name}.users.xml`);
  const config = join(directory, `${name}.xml`);
  writeFileSync(users, usersXml(scope, without), { mode: 0o600 });
  writeFileSync(config, configXml(users, limits), { mode: 0o600 });
  return {
    argument: `--config-file=${config}`,
    remove: () => {
      rmSync(users, { force: true });
      rmSync(config, { force: true });
    },
  };
}

function configXml(usersPath: string, limits: EngineLimits): string {
  return `<clickhouse>
  <users_config>${xml(usersPath)}</users_config>
  <timezone>UTC</timezone>
  <max_server_memory_usage>${limits.memoryBytes}</max_server_memory_usage>
  <!-- The defaults are sized for a machine of ClickHouse's own. -->
  <mark_cache_size>${32 * MIB}</mark_cache_size>
  <index_mark_cache_size>${8 * MIB}</index_mark_cache_size>
  <primary_index_cache_size>${32 * MIB}</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <compiled_expression_cache_size>${16 * MIB}</compiled_expression_cache_size>
  <query_condition_cache_size>0</query_condition_cache_size>
  <mmap_cache_size>64</mmap_cache_size>
  <!-- Inserts are small here (5,000 rows) and share two cores with the server. At 100,000 rows a second, CPU a row
       with all merges: 9.5 µs at the default 5 (5.3 rows merged for one inserted), 7.2 at 10, 5.9 at 20 (1.4). -->
  <merge_tree><merge_selector_base>20</merge_selector_base></merge_tree>
  <!-- Keyed by user, and all tenants are one user here. -->
  <query_cache><max_size_in_bytes>0</max_size_in_bytes></query_cache>
</clickhouse>
`;
}

function usersXml(scope: ScopeSigner, without: readonly Wall[]): string {
  const all = 'GRANT ALL ON *.* WITH GRANT OPTION';
  const grants = publicViews(databaseNames()).map((view) => `GRANT SELECT ON ${view}`);
  return `<clickhouse>
  <profiles><default>
    <use_query_cache>0</use_query_cache>
    <use_query_condition_cache>0</use_query_condition_cache>
    <allow_introspection_functions>0</allow_introspection_functions>
  </default></profiles>
  <quotas><default/></quotas>
  <roles>
    <admin>${grantXml([all])}</admin>
    <reader>${grantXml(grants)}</reader>
    <!-- What EXPLAIN as a subquery asks for; without a source's grant it opens nothing. -->
    <nobody>${grantXml(['GRANT CREATE TEMPORARY TABLE ON *.*'])}</nobody>
  </roles>
  <users><default>
    <password></password>
    <networks><ip>::/0</ip></networks>
    <profile>default</profile>
    <quota>default</quota>
    <!-- Rights come by role alone: SET ROLE must be able to take them away. -->
    ${grantXml(['GRANT admin', 'GRANT reader', 'GRANT nobody'])}
    ${without.includes('rows') ? '' : policiesXml(scope)}
  </default></users>
</clickhouse>
`;
}

function policiesXml(scope: ScopeSigner): string {
  return `<databases>
      <weir_base><table name=""><filter>${xml(`${scope.everybodyFilter()} OR ${scope.projectFilter()}`)}</filter></table></weir_base>
      <!-- Any role may read system tables: they show other tenants' queries. system.one is what SELECT 1 reads. -->
      <system>
        <table name=""><filter>${xml(scope.everybodyFilter())}</filter></table>
        <one><filter>1</filter></one>
      </system>
    </databases>`;
}

function grantXml(queries: readonly string[]): string {
  return `<grants>${queries.map((query) => `<query>${xml(query)}</query>`).join('')}</grants>`;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
