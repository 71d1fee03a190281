import { qualified, type Sql, type TableName } from '@strangler/postgres';
import { z } from 'zod';
import type { Catalog, TableFacts } from './model.ts';
import { catalogSql } from './statement.ts';

const table = z.object({ schema: z.string(), name: z.string() });
const kinds = ['table', 'partitioned', 'foreign', 'view', 'materialized view'] as const;
const actions = ['no action', 'restrict', 'cascade', 'set null', 'set default'] as const;
const names = z.array(z.string());

const foreignKey = z.object({
  name: z.string(),
  table,
  columns: names,
  references: table,
  referencedColumns: names,
  onDelete: z.enum(actions),
  onUpdate: z.enum(actions),
  deferrable: z.boolean(),
  validated: z.boolean(),
});

const facts = z.object({
  table,
  oid: z.number(),
  kind: z.enum(kinds),
  persistence: z.enum(['permanent', 'unlogged', 'temporary']),
  serverVersion: z.number(),
  owner: z.string(),
  rowSecurity: z.boolean(),
  replicaIdentity: z.enum(['default', 'nothing', 'full', 'index']),
  identityIndex: z.string().nullable(),
  estimatedRows: z.number(),
  pages: z.number(),
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      typeOid: z.number(),
      builtin: z.boolean(),
      baseType: z.string().nullable(),
      enumLabels: names.nullable(),
      typeKind: z.enum(['base', 'composite', 'domain', 'enum', 'range', 'multirange']),
      checks: names,
      notNull: z.boolean(),
      default: z.string().nullable(),
      identity: z.enum(['always', 'by default']).nullable(),
      generated: z.boolean(),
      storage: z.enum(['plain', 'external', 'extended', 'main']),
    }),
  ),
  primaryKey: names,
  uniqueIndexes: z.array(
    z.object({
      name: z.string(),
      columns: z.array(z.string().nullable()),
      primary: z.boolean(),
      partial: z.boolean(),
      immediate: z.boolean(),
      valid: z.boolean(),
    }),
  ),
  foreignKeys: z.array(foreignKey),
  referencedBy: z.array(foreignKey),
  triggers: z.array(
    z.object({ name: z.string(), enabled: z.enum(['origin', 'replica', 'always', 'disabled']) }),
  ),
  children: z.array(z.object({ table, kind: z.enum(kinds), partition: z.boolean(), full: z.boolean() })),
  sequences: z.array(
    z.object({
      column: z.string(),
      sequence: table,
      cache: z.coerce.bigint(),
      increment: z.coerce.bigint(),
    }),
  ),
  publications: names,
  subscriptions: names,
});

/**
 * Reads what the database says about the tables, by any role: all of it is public in pg_catalog.
 * A table that isn't there is missing in the result.
 */
export async function readCatalog(sql: Sql, tables: readonly TableName[]): Promise<Catalog> {
  const { rows } = await sql.query(catalogSql, [
    tables.map((each) => each.schema),
    tables.map((each) => each.name),
  ]);
  return new Map(
    rows.map((row): [string, TableFacts] => {
      const found = facts.parse(JSON.parse(row['facts'] ?? ''));
      return [qualified(found.table), found];
    }),
  );
}
