import type { Side } from '@strangler/ledger';
import { ident, qualified, type Sql } from '@strangler/postgres';
import type { Catalog, ForeignKey } from '../catalog/index.ts';
import type { Orphans } from './result.ts';

/** Rows of any table that point to a missing row, over each foreign key that touches the extraction's tables on one side. */
export async function findOrphans(sql: Sql, side: Side, catalog: Catalog): Promise<Orphans[]> {
  const keys = new Map<string, ForeignKey>();
  for (const table of catalog.values()) {
    for (const key of [...table.foreignKeys, ...table.referencedBy]) {
      keys.set(`${qualified(key.table)} ${key.name}`, key);
    }
  }
  const found: Orphans[] = [];
  for (const key of keys.values()) {
    const rows = await countOrphans(sql, key);
    if (rows === 0) continue;
    found.push({
      side,
      constraint: key.name,
      table: qualified(key.table),
      references: qualified(key.references),
      rows,
    });
  }
  return found;
}

async function countOrphans(sql: Sql, key: ForeignKey): Promise<number | null> {
  const { rows: allowed } = await sql.query(
    `SELECT bool_and(coalesce(has_table_privilege(c.oid, 'SELECT'), false)
                     AND has_schema_privilege(n.oid, 'USAGE')) AS allowed
       FROM unnest($1::text[], $2::text[]) t (schema, name)
       JOIN pg_namespace n ON n.nspname = t.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name`,
    [
      [key.table.schema, key.references.schema],
      [key.table.name, key.references.name],
    ],
  );
  if (allowed[0]?.['allowed'] !== 't') return null;
  const columns = key.columns.map((name) => `child.${ident(name)}`);
  const matches = key.referencedColumns.map((name, n) => `parent.${ident(name)} = ${columns[n]}`);
  const { rows } = await sql.query(
    `SELECT count(*) AS n FROM ${qualified(key.table)} child
      WHERE num_nulls(${columns.join(', ')}) = 0
        AND NOT EXISTS (SELECT FROM ${qualified(key.references)} parent WHERE ${matches.join(' AND ')})`,
  );
  return Number(rows[0]?.['n']);
}
