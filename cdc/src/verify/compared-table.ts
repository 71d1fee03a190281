import { ident, qualified } from '@strangler/postgres';
import { type Catalog, type ColumnFacts, tableIn } from '../catalog/index.ts';
import type { ColumnPlan, TablePlan } from '../plan/index.ts';

/** How one side's rows of a table are read so that they compare with the other's. */
export interface ComparedSide {
  readonly table: string;
  /** SQL per column, giving what the service stores, or should. */
  readonly values: readonly string[];
  readonly keys: readonly KeyColumn[];
}

export interface KeyColumn {
  /** SQL over the table that orders the same on both sides. */
  readonly sql: string;
  /** The type as which a key's text is read for comparison. */
  readonly type: string;
}

export interface ComparedTable {
  /** Forward. */
  readonly plan: TablePlan;
  /** The monolith's names, as `values` has them. */
  readonly columns: readonly string[];
  readonly keyNames: readonly string[];
  readonly monolith: ComparedSide;
  readonly service: ComparedSide;
  /** Whether an index can find a range of keys: its first column orders natively. */
  readonly indexed: boolean;
  readonly estimatedRows: number;
}

/** `plan` is the forward plan: the service's representation is what is compared. */
export function comparedTable(
  plan: TablePlan,
  catalogs: { monolith: Catalog; service: Catalog },
): ComparedTable {
  const monolith = tableIn(catalogs.monolith, plan.source);
  const service = tableIn(catalogs.service, plan.target);
  if (!monolith || !service) throw new RangeError(`no catalogue entry for ${qualified(plan.source)}`);
  const columnOf = (name: string) => service.columns.find((each) => each.name === name);
  const keys = monolith.primaryKey.map((name) => {
    const column = plan.columns.find((each) => each.source === name);
    if (!column) throw new RangeError(`${name} is not carried`);
    return { column, order: keyOrder(column) };
  });
  return {
    plan,
    columns: plan.columns.map((each) => each.source),
    keyNames: monolith.primaryKey,
    monolith: {
      table: qualified(plan.source),
      values: plan.columns.map((each) => monolithValue(each, columnOf(each.target))),
      keys: keys.map(({ column, order }) => keyColumn(ident(column.source), order)),
    },
    service: {
      table: qualified(plan.target),
      values: plan.columns.map((each) => ident(each.target)),
      keys: keys.map(({ column, order }) => keyColumn(ident(column.target), order)),
    },
    indexed: keys[0]?.order.native === true,
    estimatedRows: Math.max(monolith.estimatedRows, service.estimatedRows, 0),
  };
}

/** What the service makes of the monolith's value: the text that would arrive there, read as the type that it has there. */
function monolithValue(column: ColumnPlan, target: ColumnFacts | undefined): string {
  const value = column.expression === undefined ? ident(column.source) : `(${column.expression})`;
  const type = target?.builtin ? target.type : (target?.baseType ?? undefined);
  const same = column.expression === undefined && column.sourceType === column.targetType;
  if (same || type === undefined) return value;
  // num_nulls, since IS NULL is also true of a row of nulls; concat prints as COPY does.
  return `CASE num_nulls(${value}) WHEN 0 THEN concat(${value})::${type} END`;
}

interface KeyOrder {
  readonly native: boolean;
  readonly type: string;
  readonly collate: boolean;
}

const integers = ['smallint', 'integer', 'bigint'];
const selfOrdered = ['uuid', 'date', 'boolean', 'bytea', 'oid', 'timestamp with time zone'];

/** An order that both databases share: native where the types agree on it, else by bytes of the text (trap 34). */
function keyOrder({ sourceType, targetType }: ColumnPlan): KeyOrder {
  const bare = (type: string) => type.replace(/\(.*\)/, '');
  const types = [bare(sourceType), bare(targetType)];
  const all = (family: readonly string[]) => types.every((each) => family.includes(each));
  if (all(integers)) return { native: true, type: 'bigint', collate: false };
  if (all([...integers, 'numeric'])) return { native: true, type: 'numeric', collate: false };
  if (types[0] === types[1] && selfOrdered.includes(types[0] ?? '')) {
    return { native: true, type: types[0] ?? '', collate: false };
  }
  return { native: false, type: 'text', collate: true };
}

function keyColumn(column: string, order: KeyOrder): KeyColumn {
  return { sql: order.collate ? `concat(${column}) COLLATE "C"` : column, type: order.type };
}
