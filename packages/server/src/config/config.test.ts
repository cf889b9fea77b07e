import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, describeConfig, loadConfig, readEnvFile } from './load.js';
import { settings } from './schema.js';
import { PAGE, withSettingsTable } from './settings-table.js';

function problemsOf(variables: Record<string, string>): readonly string[] {
  try {
    loadConfig(variables);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  it('has the defaults of the specification', () => {
    const { config, warnings } = loadConfig({});
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      WEIR_PORT: 8080,
      WEIR_HOST: '127.0.0.1',
      WEIR_DATA_DIR: './.weir',
      WEIR_INGEST_EVENT_BUFFER: 50_000,
      WEIR_INGEST_EVENT_BUFFER_BYTES: 256 * 2 ** 20,
      WEIR_INGEST_FLUSH_EVENTS: 5_000,
      WEIR_INGEST_FLUSH_BYTES: 16 * 2 ** 20,
      WEIR_INGEST_FLUSH_INTERVAL: 1_000,
      WEIR_INGEST_RETRY_IN_PLACE: 10_000,
      WEIR_INGEST_SHUTDOWN_GRACE: 10_000,
      WEIR_INGEST_MAX_BODY_BYTES: 10 * 2 ** 20,
      WEIR_INGEST_DLQ_DRAIN_BATCH_LIMIT: 10,
      WEIR_DLQ_DEPTH_503_THRESHOLD: 100_000,
      WEIR_LOG_MAX_BYTES: 10 * 2 ** 30,
      WEIR_INGEST_DEDUP_WINDOW: 24 * 3_600_000,
      WEIR_INGEST_DEDUP_MAX_IDS: 50_000_000,
      WEIR_CHANNEL_MAX_BYTES_EACH: 256 * 2 ** 20,
      WEIR_CHANNEL_MAX_MESSAGES: 10_000,
      WEIR_CHANNEL_MAX_MESSAGE_BYTES: 10 * 2 ** 20,
      WEIR_CHANNEL_MAX_PER_PROCESS: 100,
      WEIR_CHANNEL_RATE_LIMIT: { perSecond: 100, burst: 500 },
    });
  });

  it('reads durations, sizes, flags and numbers', () => {
    const { config } = loadConfig({
      WEIR_INGEST_FLUSH_INTERVAL: '250ms',
      WEIR_INGEST_FLUSH_BYTES: '1.5MiB',
      WEIR_INGEST_DISABLED: 'true',
      WEIR_PORT: '0',
      WEIR_INGEST_FLUSH_EVENTS: '',
    });
    expect(config).toMatchObject({
      WEIR_INGEST_FLUSH_INTERVAL: 250,
      WEIR_INGEST_FLUSH_BYTES: 1.5 * 2 ** 20,
      WEIR_INGEST_DISABLED: true,
      WEIR_PORT: 0,
      WEIR_INGEST_FLUSH_EVENTS: 5_000,
    });
  });

  it('names every invalid variable with its value and rule, secrets hidden', () => {
    expect(
      problemsOf({
        WEIR_PORT: '70000',
        WEIR_TRUST_PROXY: 'foo',
        WEIR_ALLOWED_ORIGINS: 'https://a.example,app.example.com',
        WEIR_ALLOWED_HOSTS: 'http://foo.example/',
        WEIR_INGEST_FLUSH_INTERVAL: '5 parsecs',
        WEIR_INGEST_FLUSH_BYTES: '0MiB',
        WEIR_INGEST_SHUTDOWN_GRACE: '30d',
        WEIR_INGEST_ACK: 'maybe',
        WEIR_CHANNEL_MAX_MESSAGE_BYTES: '33MiB',
        WEIR_CHANNEL_RATE_LIMIT: 'fast',
        WEIR_OPERATOR_KEY: 'weir_ops_short',
        WEIR_CLICKHOUSE_URL: 'clickhouse:8123',
      }),
    ).toEqual([
      'WEIR_PORT=70000: must be a whole number from 0 to 65535',
      'WEIR_TRUST_PROXY=foo: must be addresses or CIDR ranges, comma separated, such as 10.0.0.0/8',
      'WEIR_ALLOWED_ORIGINS=https://a.example,app.example.com: must be origins, comma separated, such as https://app.example.com, or *',
      'WEIR_ALLOWED_HOSTS=http://foo.example/: must be host names, comma separated, with a port or without, such as weir.example.com',
      'WEIR_CLICKHOUSE_URL=[redacted]: must be an http:// or https:// URL',
      'WEIR_INGEST_FLUSH_BYTES=0MiB: must be a size such as 512KiB, 10MiB or 1GiB',
      'WEIR_INGEST_FLUSH_INTERVAL=5 parsecs: must be a duration such as 500ms, 10s, 5m or 24h',
      'WEIR_INGEST_SHUTDOWN_GRACE=30d: must be at most 24d',
      'WEIR_INGEST_ACK=maybe: must be one of durable, memory',
      'WEIR_CHANNEL_MAX_MESSAGE_BYTES=33MiB: must be from 1KiB to 32MiB',
      'WEIR_CHANNEL_RATE_LIMIT=fast: must be messages a second, and at once, such as 100:500; or off',
      'WEIR_OPERATOR_KEY=[redacted]: must be weir_ops_ and 64 hexadecimal digits',
    ]);
  });

  it('warns of unknown variables with a suggestion', () => {
    expect(
      loadConfig({ WEIR_INGEST_FLUSH_EVENT: '1', WEIR_XYZZY: '1', WEIR_KEY: 'k', HOME: '/' }).warnings,
    ).toEqual([
      'unknown variable WEIR_INGEST_FLUSH_EVENT; did you mean WEIR_INGEST_FLUSH_EVENTS?',
      'unknown variable WEIR_XYZZY',
    ]);
  });

  it('warns of a body limit that the memory limit makes useless', () => {
    const warned = (bytes: string) =>
      loadConfig({ WEIR_INGEST_MAX_BODY_BYTES: bytes, WEIR_BODY_MEMORY: '64MiB' }).warnings;
    expect(warned('32MiB')).toEqual([]);
    expect(warned('33MiB')).toEqual([
      expect.stringMatching(/^WEIR_INGEST_MAX_BODY_BYTES=\d+ is more than half of WEIR_BODY_MEMORY=\d+/),
    ]);
  });

  it('reads secrets from files, and rejects both forms at once', () => {
    const directory = mkdtempSync(join(tmpdir(), 'weir-config-'));
    const path = join(directory, 'key');
    const key = `weir_ops_${'a'.repeat(64)}`;
    writeFileSync(path, `${key}\n`);
    expect(loadConfig({ WEIR_OPERATOR_KEY_FILE: path }).config.WEIR_OPERATOR_KEY).toBe(key);
    expect(problemsOf({ WEIR_OPERATOR_KEY_FILE: path, WEIR_OPERATOR_KEY: key })[0]).toMatch(/not both/);
    expect(problemsOf({ WEIR_OPERATOR_KEY_FILE: join(directory, 'none') })[0]).toMatch(/cannot read/);
  });

  it('reads a .env file, and returns no variables without one', () => {
    const directory = mkdtempSync(join(tmpdir(), 'weir-config-'));
    writeFileSync(join(directory, '.env'), 'WEIR_PORT=9\n# comment\nWEIR_HOST="::1"\n');
    expect(readEnvFile(join(directory, '.env'))).toEqual({ WEIR_PORT: '9', WEIR_HOST: '::1' });
    expect(readEnvFile(join(directory, 'none'))).toEqual({});
  });

  it('never shows a secret', () => {
    const { config } = loadConfig({ WEIR_OPERATOR_KEY: `weir_ops_${'a'.repeat(64)}` });
    expect(describeConfig(config).find(({ name }) => name === 'WEIR_OPERATOR_KEY')?.value).toBe('[redacted]');
  });

  it('describes every setting, in docs/self-host.md too', () => {
    for (const { name, description } of settings()) expect(description, name).not.toBe('');
    const page = readFileSync(PAGE, 'utf8');
    expect(page, 'docs/self-host.md is out of date: run `npm run docs`').toBe(withSettingsTable(page));
  });
});
