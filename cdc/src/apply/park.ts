import { ident, qualified } from '@strangler/postgres';
import type pg from 'pg';
import type { Cell } from '../source/index.ts';
import type { Step } from './groups.ts';
import { withoutModifier } from './statement.ts';
import { columnAt, type StreamTable } from './table.ts';

/**
 * Takes the rows that a table's steps touch into a temporary table without constraints, lets `work` make the steps
 * there, and puts them back: unique values may move between rows in any order (trap 27), and a key may change under
 * GENERATED ALWAYS (trap 10). Only the rows that it puts back meet the table's constraints.
 */
export async function withParkedRows(
  client: pg.Client,
  table: StreamTable,
  steps: readonly Step[],
  work: (parked: string) => Promise<void>,
): Promise<void> {
  const target = qualified(table.plan.target);
  const parked = 'pg_temp.strangler_parked';
  await client.query(
    `CREATE TEMP TABLE strangler_parked (LIKE ${target} INCLUDING DEFAULTS INCLUDING GENERATED)`,
  );
  const columns = await writableColumns(client, target);
  const keys = touchedKeys(table, steps);
  const rows = `unnest(${keys.map((_, at) => `$${at + 1}::text[]`).join(', ')}) AS "~"(${keys.map((_, at) => ident(`~${at}`)).join(', ')})`;
  const matches = table.keys
    .map((index, at) => {
      const column = columnAt(table.plan, index);
      return `"~target".${ident(column.target)} = CAST("~".${ident(`~${at}`)} AS ${withoutModifier(column.targetType)})`;
    })
    .join(' AND ');
  const names = columns.map((name) => `"~target".${ident(name)}`).join(', ');
  const list = columns.map(ident).join(', ');
  await client.query(
    `INSERT INTO ${parked} (${list}) SELECT ${names} FROM ${target} AS "~target", ${rows} WHERE ${matches}`,
    keys,
  );
  await client.query(`DELETE FROM ${target} AS "~target" USING ${rows} WHERE ${matches}`, keys);
  await work(parked);
  await client.query(`INSERT INTO ${target} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM ${parked}`);
  await client.query(`DROP TABLE ${parked}`);
}

async function writableColumns(client: pg.Client, target: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
    [target],
  );
  return rows.map((row) => row.name);
}

/** The keys of all changes, before and after, each once: one array per key column. */
function touchedKeys(table: StreamTable, steps: readonly Step[]): Cell[][] {
  const keys = new Map<string, readonly Cell[]>();
  for (const step of steps) {
    if (step.kind === 'truncate') continue;
    for (const change of step.changes) {
      if (change.kind !== 'insert') keys.set(change.key, change.oldKey);
      if (change.kind === 'delete') continue;
      const key = table.keys.map((index) => change.values[index] ?? null);
      keys.set(key.join('\0'), key);
    }
  }
  return table.keys.map((_, at) => [...keys.values()].map((key) => key[at] ?? null));
}
