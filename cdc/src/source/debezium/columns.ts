import { StranglerError } from '@strangler/errors';
import type { Sql, TableName } from '@strangler/postgres';
import { qualified } from '@strangler/postgres';
import { z } from 'zod';
import type { Relation } from '../change.ts';
import { carried, type ValueType } from './value.ts';

/** A table, and in which form Debezium sends each of its columns. */
export interface SourceTable {
  readonly relation: Relation;
  readonly types: readonly ValueType[];
}

const column = z.object({
  schema: z.string(),
  name: z.string(),
  column: z.string(),
  oid: z.coerce.number(),
  type: z.string(),
  modifier: z.coerce.number(),
  key: z.enum(['t', 'f']).transform((value) => value === 't'),
  full: z.enum(['t', 'f']).transform((value) => value === 't'),
});

/** Types under their domains; enums and composites by their kind, and nothing that merely has a known type's name. */
const columnsSql = `
  WITH RECURSIVE columns AS (
    SELECT n.nspname AS schema, c.relname AS name, c.relreplident = 'f' AS full, a.attname AS column, a.attnum, a.atttypid AS oid,
           a.atttypid AS base, a.atttypmod AS modifier, coalesce(a.attnum = ANY (i.indkey::int2[]), false) AS key
      FROM unnest($1::text[], $2::text[]) t(schema, name)
      JOIN pg_namespace n ON n.nspname = t.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary),
  bases AS (
    SELECT * FROM columns
    UNION ALL
    SELECT b.schema, b.name, b.full, b.column, b.attnum, b.oid, t.typbasetype,
           CASE WHEN b.modifier = -1 THEN t.typtypmod ELSE b.modifier END, b.key
      FROM bases b JOIN pg_type t ON t.oid = b.base AND t.typtype = 'd')
  SELECT b.schema, b.name, b.full, b.column, b.oid::int8 AS oid, b.modifier, b.key,
         CASE WHEN e.oid IS NULL THEN '' ELSE '_' END ||
         CASE k.typtype WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite'
              ELSE CASE WHEN k.typnamespace = 'pg_catalog'::regnamespace OR k.typname IN ('citext', 'hstore', 'ltree')
                        THEN k.typname ELSE format_type(k.oid, NULL) END END AS type
    FROM bases b JOIN pg_type t ON t.oid = b.base AND t.typtype <> 'd'
    LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    JOIN pg_type k ON k.oid = coalesce(e.oid, t.oid)
   ORDER BY b.schema, b.name, b.attnum`;

/** Reads the tables as Debezium will send them. */
async function readColumns(sql: Sql, tables: readonly TableName[]) {
  const { rows } = await sql.query(columnsSql, [
    tables.map((each) => each.schema),
    tables.map((each) => each.name),
  ]);
  return rows.map((row) => column.parse(row));
}

/** By qualified name. Columns of tables that we publish ourselves, such as the ownership rows, among them. */
export async function readSourceTables(
  sql: Sql,
  tables: readonly TableName[],
): Promise<Map<string, SourceTable>> {
  const columns = await readColumns(sql, tables);
  return new Map(
    tables.map((table) => {
      const own = columns.filter((each) => each.schema === table.schema && each.name === table.name);
      const relation = {
        schema: table.schema,
        name: table.name,
        columns: own.map((each) => ({ name: each.column, key: each.key, typeOid: each.oid })),
      };
      return [
        qualified(table),
        { relation, types: own.map(({ type, modifier }) => ({ name: type, modifier })) },
      ];
    }),
  );
}

/** A column that Debezium cannot carry, and what helps. */
export interface UncarriedColumn {
  readonly table: TableName;
  readonly column: string;
  readonly fact: string;
  readonly remedy: string;
}

/** Columns whose values Debezium would lose or change: a failed conversion arrives as a plain null, so they are refused up front. */
export async function uncarriedColumns(
  sql: Sql,
  tables: readonly { table: TableName; columns: readonly string[] }[],
): Promise<UncarriedColumn[]> {
  const found = await readColumns(
    sql,
    tables.map((each) => each.table),
  );
  return found.flatMap((each): UncarriedColumn[] => {
    const wanted = tables.find(({ table }) => table.schema === each.schema && table.name === each.name);
    const how = carried(each.type);
    if (!wanted?.columns.includes(each.column) || how === 'always' || (how === 'full' && each.full))
      return [];
    const table = wanted.table;
    const at = `${qualified(table)}.${each.column}`;
    if (how === 'never')
      return [
        {
          table,
          column: each.column,
          fact: `Debezium cannot carry every value of ${at} (${each.type}).`,
          remedy: "Follow this extraction with engine: 'embedded', or omit the column.",
        },
      ];
    return [
      {
        table,
        column: each.column,
        fact: `Debezium sends null for a value of ${at} (${each.type}) that an update left alone.`,
        remedy: `ALTER TABLE ${qualified(table)} REPLICA IDENTITY FULL, or use engine: 'embedded'.`,
      },
    ];
  });
}

/** @throws StranglerError CHECK_FAILED for the first column that Debezium cannot carry. */
export async function refuseUncarried(
  sql: Sql,
  tables: readonly { table: TableName; columns: readonly string[] }[],
): Promise<void> {
  const [first] = await uncarriedColumns(sql, tables);
  if (first) throw new StranglerError('CHECK_FAILED', first.fact, first.remedy);
}
