import type { Sql } from '@strangler/postgres';
import { z } from 'zod';

/** What decides how a column's values look in JSON. Domains are resolved to the type under them. */
export interface ColumnType {
  readonly name: string;
  readonly kind: 'base' | 'enum' | 'other';
  /** Of an array. */
  readonly element?: ColumnType;
}

const row = z.object({
  oid: z.coerce.number(),
  name: z.string(),
  kind: z.string(),
  base: z.coerce.number(),
  element: z.coerce.number(),
});

/** Every type of the database by its oid. */
export async function readTypes(sql: Sql): Promise<ReadonlyMap<number, ColumnType>> {
  const { rows } = await sql.query(
    `SELECT oid::text, typname AS name, typtype AS kind, typbasetype::text AS base,
            CASE WHEN typcategory = 'A' THEN typelem ELSE 0 END::text AS element
       FROM pg_type`,
  );
  const found = new Map(rows.map((each) => row.parse(each)).map((each) => [each.oid, each]));
  const typeOf = (oid: number): ColumnType => {
    const type = found.get(oid);
    if (!type) return { name: `oid ${oid}`, kind: 'other' };
    if (type.kind === 'd') return typeOf(type.base);
    const kind = type.kind === 'b' || type.kind === 'r' ? 'base' : type.kind === 'e' ? 'enum' : 'other';
    return { name: type.name, kind, ...(type.element === 0 ? {} : { element: typeOf(type.element) }) };
  };
  return new Map([...found.keys()].map((oid) => [oid, typeOf(oid)]));
}
