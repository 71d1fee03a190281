import { StranglerError } from '@strangler/errors';
import { qualified, type TableName } from '@strangler/postgres';
import { type Catalog, type ColumnFacts, type TableFacts, tableIn } from '../../catalog/index.ts';
import { alwaysFull, carriedByDebezium } from './carried.ts';
import type { SourceTable } from './translate.ts';

/** A table that is followed, and those of its columns that are carried. */
export interface FollowedTable {
  readonly table: TableName;
  readonly columns: readonly string[];
}

/** A column that Debezium would change or lose. */
export interface UncarriedColumn {
  readonly fact: string;
  readonly remedy: string;
}

/** The columns of the tables that Debezium cannot carry. The catalogue is the source's. */
export function uncarriedColumns(
  catalog: Catalog,
  tables: readonly FollowedTable[],
  plainArrays: boolean,
): UncarriedColumn[] {
  return tables.flatMap((followed) =>
    columnsOf(catalog, followed).flatMap(({ facts, column }) => {
      const carriage = carriageOf(facts, column, plainArrays);
      if (carriage.carried) return [];
      const name = `${qualified(facts.table)}.${column.name} (${column.type})`;
      return [{ fact: `Debezium cannot carry ${name}: ${carriage.why}.`, remedy: carriage.remedy }];
    }),
  );
}

/** How the records of each table are read. @throws StranglerError CHECK_FAILED for a column that Debezium cannot carry */
export function sourceTables(
  catalog: Catalog,
  tables: readonly FollowedTable[],
  plainArrays: boolean,
): SourceTable[] {
  const [refused] = uncarriedColumns(catalog, tables, plainArrays);
  if (refused) throw new StranglerError('CHECK_FAILED', refused.fact, refused.remedy);
  return tables.map((followed) => ({
    schema: followed.table.schema,
    name: followed.table.name,
    full: fullIn(catalog, followed.table),
    columns: columnsOf(catalog, followed).map(({ facts, column }) => {
      const carriage = carriageOf(facts, column, plainArrays);
      return {
        name: column.name,
        type: carriage.carried ? carriage.form : column.type,
        typeOid: column.typeOid,
        key: facts.primaryKey.includes(column.name),
      };
    }),
  }));
}

function fullIn(catalog: Catalog, table: TableName): boolean {
  const facts = tableIn(catalog, table);
  return facts !== undefined && alwaysFull(facts);
}

function columnsOf(catalog: Catalog, { table, columns }: FollowedTable) {
  const facts = tableIn(catalog, table);
  return (facts?.columns ?? []).flatMap((column) =>
    facts && columns.includes(column.name) ? [{ facts, column }] : [],
  );
}

function carriageOf(facts: TableFacts, column: ColumnFacts, plainArrays: boolean) {
  const table = qualified(facts.table);
  const { serverVersion } = facts;
  return carriedByDebezium({ ...column, table, serverVersion, full: alwaysFull(facts), plainArrays });
}
