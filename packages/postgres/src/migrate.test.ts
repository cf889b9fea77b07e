import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from './migrate.js';
import type { Migration } from './migrations/migration.js';
import { type TestDatabase, testServer } from './testing/index.js';

const first: Migration = {
  version: 1,
  name: 'first',
  sql: 'create table one (a int); insert into one values (1);',
};
const second: Migration = { version: 2, name: 'second', sql: 'insert into one values (2)' };
const broken: Migration = { version: 2, name: 'broken', sql: 'insert into one values (3); select no_such()' };

describe('migrate', () => {
  let database: TestDatabase;
  const clients: pg.Client[] = [];
  const connect = async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    clients.push(client);
    return client;
  };

  beforeEach(async () => {
    database = await testServer();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await database.close();
  });

  it('applies each step once when several nodes start concurrently', async () => {
    const nodes = await Promise.all([connect(), connect(), connect(), connect()]);
    const applied = await Promise.all(nodes.map((node) => migrate(node, [first, second])));
    expect(applied.flat()).toEqual([1, 2]);
    expect(await database.query('select a from one order by a')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('applies only missing steps', async () => {
    const client = await connect();
    expect(await migrate(client, [first])).toEqual([1]);
    expect(await migrate(client, [first, second])).toEqual([2]);
    expect(await migrate(client, [first, second])).toEqual([]);
  });

  it('rejects data that is newer than the code', async () => {
    const client = await connect();
    await migrate(client, [first, second]);
    await expect(migrate(client, [first])).rejects.toMatchObject({ code: 'schema_newer', retryable: false });
  });

  it('leaves no trace of a failed step, and the connection usable', async () => {
    const client = await connect();
    await expect(migrate(client, [first, broken])).rejects.toThrow('no_such');
    expect(await migrate(client, [first, second])).toEqual([1, 2]);
    expect(await database.query('select a from one order by a')).toEqual([{ a: 1 }, { a: 2 }]);
  });
});
