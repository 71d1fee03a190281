import { StranglerError } from '@strangler/errors';
import { ident, qualified } from '@strangler/postgres';
import { type ColumnPlan, columnsIn, type TablePlan } from '../plan/index.ts';
import type { Cell } from '../source/index.ts';
import type { Group } from './groups.ts';
import { columnAt, type RowChange, type StreamTable } from './table.ts';

/** A set-based statement, and where each of its parameters, an array of text, comes from. */
export interface Statement {
  readonly text: string;
  readonly parameters: readonly ((change: RowChange) => Cell)[];
}

/**
 * The statement that makes a group's changes in `target`, which is the plan's target or a table of the same columns.
 * @throws StranglerError STREAM_STOPPED when an expression needs a value that was not sent.
 */
export function statementFor(group: Omit<Group, 'changes'>, target: string): Statement {
  switch (group.kind) {
    case 'insert':
      return insert(group.table, target);
    case 'update':
      return update(group, target);
    case 'delete':
      return remove(group.table, target);
  }
}

/** Names of our own inside a statement: a tilde first, so that they meet no column of a user's. */
const given = ident('~');
const givenName = (index: number) => ident(`~${index}`);
const value = (index: number) => `${given}.${givenName(index)}`;

function insert({ plan }: StreamTable, target: string): Statement {
  const scope = sourceScope(plan, []);
  const columns = plan.columns.map((column) => ident(column.target));
  const values = plan.columns.map((column, index) => mapped(column, value(index)));
  return {
    text:
      `INSERT INTO ${target} (${columns.join(', ')}) OVERRIDING SYSTEM VALUE ` +
      `SELECT ${values.join(', ')} FROM ${unnest(plan.columns.length)}${scope}`,
    parameters: plan.columns.map((_, index) => valueAt(index)),
  };
}

function update(group: Omit<Group, 'changes'>, target: string): Statement {
  const { plan, keys } = group.table;
  const sets = settable(group);
  const parameters: ((change: RowChange) => Cell)[] = plan.columns.map((_, index) =>
    group.untouched.includes(index) ? () => null : valueAt(index),
  );
  const firstKey = parameters.length;
  keys.forEach((_, at) => {
    parameters.push((change) => (change.kind === 'insert' ? null : (change.oldKey[at] ?? null)));
  });
  const selected = [
    ...sets.map((index, at) => `${mapped(columnAt(plan, index), value(index))} AS ${ident(`~set${at}`)}`),
    ...keys.map((index, at) => `${keyValue(plan, index, firstKey + at)} AS ${ident(`~key${at}`)}`),
  ];
  const rows = `(SELECT ${selected.join(', ')} FROM ${unnest(parameters.length)}${sourceScope(plan, group.untouched)}) AS "~row"`;
  const matches = keys.map(
    (index, at) => `"~target".${ident(columnAt(plan, index).target)} = "~row".${ident(`~key${at}`)}`,
  );
  // An update of nothing but columns that stay behind: the row must be there all the same (trap 66).
  if (sets.length === 0)
    return { text: `SELECT FROM ${target} AS "~target", ${rows} WHERE ${matches.join(' AND ')}`, parameters };
  const assignments = sets.map(
    (index, at) => `${ident(columnAt(plan, index).target)} = "~row".${ident(`~set${at}`)}`,
  );
  return {
    text: `UPDATE ${target} AS "~target" SET ${assignments.join(', ')} FROM ${rows} WHERE ${matches.join(' AND ')}`,
    parameters,
  };
}

function remove({ plan, keys }: StreamTable, target: string): Statement {
  const matches = keys.map(
    (index, at) => `"~target".${ident(columnAt(plan, index).target)} = ${keyValue(plan, index, at)}`,
  );
  return {
    text: `DELETE FROM ${target} AS "~target" USING ${unnest(keys.length)} WHERE ${matches.join(' AND ')}`,
    parameters: keys.map(
      (_, at) => (change) => (change.kind === 'insert' ? null : (change.oldKey[at] ?? null)),
    ),
  };
}

/** The columns of the plan that an update of this group sets. */
function settable(group: Omit<Group, 'changes'>): number[] {
  const { plan } = group.table;
  const left = group.untouched.map((index) => columnAt(plan, index).source);
  const names = plan.columns.map((column) => column.source);
  return plan.columns.flatMap((column, index) => {
    if (column.key) return group.keyChanges ? [index] : [];
    // GENERATED ALWAYS refuses every update, also to the value that it has (trap 10).
    if (column.targetIdentityAlways) return [];
    if (column.expression === undefined) return group.untouched.includes(index) ? [] : [index];
    const needed = columnsIn(column.expression, names);
    const missing = needed.filter((name) => left.includes(name));
    if (missing.length === 0) return [index];
    if (missing.length === needed.length) return [];
    throw unsentValue(plan, column, missing);
  });
}

function unsentValue(plan: TablePlan, column: ColumnPlan, missing: readonly string[]): StranglerError {
  const table = qualified(plan.source);
  return new StranglerError(
    'STREAM_STOPPED',
    `An update of ${table} did not send the large value of ${missing.join(', ')}, which it left alone, but ${qualified(plan.target)}.${column.target} is computed from it and from columns that changed.`,
    `ALTER TABLE ${table} REPLICA IDENTITY FULL makes it come along; then run \`strangler cancel\` and \`strangler sync\`.`,
  );
}

/** For expressions: the source's columns under their own names, each read as a type that this database knows. */
function sourceScope(plan: TablePlan, untouched: readonly number[]): string {
  if (plan.columns.every((column) => column.expression === undefined)) return '';
  const columns = plan.columns.flatMap((column, index) =>
    untouched.includes(index) ? [] : [`CAST(${value(index)} AS ${column.readAs}) AS ${ident(column.source)}`],
  );
  return `, LATERAL (SELECT ${columns.join(', ')}) AS "~source"`;
}

/** The target's value. It takes the way through text that the copy takes, so that both give the same (invariant 5). */
function mapped(column: ColumnPlan, text: string): string {
  const source = column.expression === undefined ? text : `CAST((${column.expression}) AS text)`;
  return `CAST(${source} AS ${withoutModifier(column.targetType)})`;
}

function keyValue(plan: TablePlan, index: number, parameter: number): string {
  return `CAST(${value(parameter)} AS ${withoutModifier(columnAt(plan, index).targetType)})`;
}

function unnest(count: number): string {
  const arrays = Array.from({ length: count }, (_, index) => `$${index + 1}::text[]`);
  const names = Array.from({ length: count }, (_, index) => givenName(index));
  return `unnest(${arrays.join(', ')}) AS ${given}(${names.join(', ')})`;
}

function valueAt(index: number): (change: RowChange) => Cell {
  return (change) => (change.kind === 'delete' ? null : (change.values[index] ?? null));
}

/**
 * A type without its modifier: an explicit cast to `varchar(10)` would cut a long value off in silence, while the
 * assignment to the column refuses it. `character` and `bit` without one would mean a length of 1.
 */
export function withoutModifier(type: string): string {
  return type
    .replaceAll(/"(?:[^"]|"")*"|\([^)]*\)/g, (part) => (part.startsWith('"') ? part : ''))
    .replace(/^character\b(?! varying)/, 'bpchar')
    .replace(/^bit\b(?! varying)/, 'pg_catalog."bit"');
}
