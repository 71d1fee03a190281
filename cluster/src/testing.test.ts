import pg from 'pg';
import { expect, test } from 'vitest';
import { clusterUrl, createDatabase, templateDatabase } from './testing.ts';

test('a template is built once and cloned with its rows', async () => {
  let builds = 0;
  const build = async (database: { query(sql: string): Promise<unknown> }) => {
    builds += 1;
    await database.query('create table a as select generate_series(1, 3) as id');
  };
  const names = await Promise.all([
    templateDatabase('monolith', 'testing_once', build),
    templateDatabase('monolith', 'testing_once', build),
  ]);
  expect(builds).toBe(1);
  const [one, two] = await Promise.all(names.map((template) => createDatabase('monolith', { template })));
  await one?.query('delete from a');
  expect(await two?.query('select count(*)::int as n from a')).toEqual([{ n: 3 }]);
});

test('the sides are two servers', async () => {
  const [left, right] = await Promise.all([createDatabase('monolith'), createDatabase('service')]);
  const id = 'select system_identifier::text as id from pg_control_system()';
  expect(await left.query(id)).not.toEqual(await right.query(id));
});

test('drop takes open connections and replication slots along', async () => {
  const database = await createDatabase('service');
  const [slot] = await database.query<{ name: string }>(
    `select slot_name as name from pg_create_logical_replication_slot('slot_' || pg_backend_pid(), 'pgoutput')`,
  );
  const client = new pg.Client({ connectionString: database.url() });
  client.on('error', () => {});
  await client.connect();
  await database.drop();
  await client.end().catch(() => {});
  const outside = new pg.Client({ connectionString: clusterUrl('service') });
  await outside.connect();
  const left = await outside.query('select from pg_replication_slots where slot_name = $1', [slot?.name]);
  const gone = await outside.query('select from pg_database where datname = $1', [database.name]);
  await outside.end();
  expect([left.rowCount, gone.rowCount]).toEqual([0, 0]);
});
