import { is, sql } from 'drizzle-orm';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeForms, type TestStore } from '../testing/index.js';
import * as schema from './index.js';

const tables = Object.values<unknown>(schema).filter((value): value is PgTable => is(value, PgTable));

describe.each(storeForms)('the schema over $name', (form) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await form.open();
  });
  afterAll(() => store.close());

  it.each(tables.map((table) => ({ table: getTableConfig(table) })))(
    '$table.name matches the migrations',
    async ({ table }) => {
      const columns = await store.postgres.db.execute(sql`
      select column_name, is_nullable = 'NO' as required, column_default is not null as has_default,
             coalesce(e.data_type || '[]', c.data_type) as type
      from information_schema.columns c
      left join information_schema.element_types e
        on e.object_name = c.table_name and e.collection_type_identifier = c.dtd_identifier
      where c.table_name = ${table.name}`);
      const made = columns.rows.map((row) => ({
        ...row,
        type: String(row.type).replace('timestamp with time zone', 'timestamptz'),
      }));
      const declared = table.columns.map((column) => ({
        column_name: column.name,
        required: column.notNull,
        has_default: column.hasDefault,
        type: column.getSQLType().replace('timestamp with time zone', 'timestamptz'),
      }));
      const byName = (a: object, b: object) => JSON.stringify(a).localeCompare(JSON.stringify(b));
      expect(made.sort(byName)).toEqual(declared.sort(byName));

      const indexes = await store.postgres.db.execute(
        sql`select indexname from pg_indexes where tablename = ${table.name}`,
      );
      const names = indexes.rows.map((row) => row.indexname);
      for (const index of table.indexes) expect(names).toContain(index.config.name);
      for (const unique of table.uniqueConstraints) expect(names).toContain(unique.name);
    },
  );
});
