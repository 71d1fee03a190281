import type { Side } from '@strangler/ledger';
import { ident, qualified, type Sql } from '@strangler/postgres';
import type { Catalog, ForeignKey } from '../catalog/index.ts';
import type { Orphans } from './result.ts';

/**
 * Rows that point to a missing row, over each foreign key that touches the extraction's tables on one side. A key to a
 * table that stays is looked at only where `source` may read the referenced columns, which setup doesn't ask for.
 */
export async function findOrphans(sql: Sql, side: Side, catalog: Catalog): Promise<Orphans[]> {
  const incoming = [...catalog.values()].flatMap((table) => table.referencedBy);
  const outgoing = [...catalog.values()].flatMap((table) => table.foreignKeys);
  const keys = new Map([...outgoing, ...incoming].map((key) => [`${qualified(key.table)} ${key.name}`, key]));
  const found: Orphans[] = [];
  for (const key of keys.values()) {
    const readable = await mayRead(sql, key);
    if (!readable && !catalog.has(qualified(key.references))) continue;
    const rows = readable ? await countOrphans(sql, key) : null;
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

async function mayRead(sql: Sql, key: ForeignKey): Promise<boolean> {
  const ends = [
    ...key.columns.map((column) => ({ ...key.table, column })),
    ...key.referencedColumns.map((column) => ({ ...key.references, column })),
  ];
  const { rows } = await sql.query(
    `SELECT bool_and(has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, t.col, 'SELECT')) AS allowed
       FROM unnest($1::text[], $2::text[], $3::text[]) t (schema, name, col)
       JOIN pg_namespace n ON n.nspname = t.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name`,
    [ends.map((end) => end.schema), ends.map((end) => end.name), ends.map((end) => end.column)],
  );
  return rows[0]?.['allowed'] === 't';
}

async function countOrphans(sql: Sql, key: ForeignKey): Promise<number> {
  const columns = key.columns.map((name) => `child.${ident(name)}`);
  const matches = key.referencedColumns.map((name, n) => `parent.${ident(name)} = ${columns[n]}`);
  const { rows } = await sql.query(
    `SELECT count(*) AS n FROM ${qualified(key.table)} child
      WHERE num_nulls(${columns.join(', ')}) = 0
        AND NOT EXISTS (SELECT FROM ${qualified(key.references)} parent WHERE ${matches.join(' AND ')})`,
  );
  return Number(rows[0]?.['n']);
}
