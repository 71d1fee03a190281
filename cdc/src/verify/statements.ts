import type { ComparedSide } from './compared-table.ts';

/** A key as the text of its columns. */
export type Key = readonly string[];

/** Keys after `after` up to and including `to`; null = no bound. */
export interface KeyRange {
  readonly after: Key | null;
  readonly to: Key | null;
}

export interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/**
 * A digest of the whole row. A row's text form quotes whatever could be taken for a boundary, and tells null from
 * empty: two rows print alike only if all their values do. It is what certifies; counts alone never do (trap 71).
 */
function rowDigest(side: ComparedSide): string {
  return `sha256(convert_to(ROW(${side.values.join(', ')})::text, 'UTF8'))`;
}

const keyTexts = (side: ComparedSide) => side.keys.map((key, n) => `concat(${key.sql}) AS k${n}`).join(', ');
const keyOrder = (side: ComparedSide) => side.keys.map((key) => key.sql).join(', ');

function within(side: ComparedSide, range: KeyRange, values: unknown[]): string {
  const bound = (operator: string, key: Key | null) => {
    if (key === null) return [];
    const parameters = side.keys.map(({ type }, n) => `$${values.push(key[n])}::${type}`);
    return [`(${keyOrder(side)}) ${operator} (${parameters.join(', ')})`];
  };
  const conditions = [...bound('>', range.after), ...bound('<=', range.to)];
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

/** The key with which a range of `size` rows ends; no row when fewer are left. */
export function boundary(side: ComparedSide, range: KeyRange, size: number): Statement {
  const values: unknown[] = [];
  const where = within(side, range, values);
  return {
    text: `SELECT ${keyTexts(side)} FROM ${side.table} ${where} ORDER BY ${keyOrder(side)} OFFSET ${size - 1} LIMIT 1`,
    values,
  };
}

/** Count and digest of the rows in a range: the digests of the rows in the order of their keys, digested again. */
export function rangeDigest(side: ComparedSide, range: KeyRange): Statement {
  const values: unknown[] = [];
  const where = within(side, range, values);
  return {
    text: `SELECT count(*) AS rows, sha256(coalesce(string_agg(${rowDigest(side)}, ''::bytea ORDER BY ${keyOrder(side)}), '')) AS digest
             FROM ${side.table} ${where}`,
    values,
  };
}

/** Key and digest of each row in a range. */
export function rangeRows(side: ComparedSide, range: KeyRange): Statement {
  const values: unknown[] = [];
  const where = within(side, range, values);
  return {
    text: `SELECT ${keyTexts(side)}, ${rowDigest(side)} AS digest FROM ${side.table} ${where}`,
    values,
  };
}

/** Key and digest of the rows with these keys. */
export function rowsByKey(side: ComparedSide, keys: readonly Key[]): Statement {
  return byKey(side, keys, `${rowDigest(side)} AS digest`);
}

/** Key and the text of every column of the rows with these keys, `c0`, `c1` and so on. */
export function valuesByKey(side: ComparedSide, keys: readonly Key[]): Statement {
  const columns = side.values.map(
    (value, n) => `CASE num_nulls(${value}) WHEN 0 THEN concat(${value}) END AS c${n}`,
  );
  return byKey(side, keys, columns.join(', '));
}

function byKey(side: ComparedSide, keys: readonly Key[], selected: string): Statement {
  const arrays = side.keys.map((_, n) => `$${n + 1}::text[]`).join(', ');
  const names = side.keys.map((_, n) => `"strangler key ${n}"`).join(', ');
  const matches = side.keys.map(({ sql, type }, n) => `${sql} = wanted."strangler key ${n}"::${type}`);
  return {
    text: `SELECT ${keyTexts(side)}, ${selected} FROM unnest(${arrays}) wanted (${names}) JOIN ${side.table} ON ${matches.join(' AND ')}`,
    values: side.keys.map((_, n) => keys.map((key) => key[n])),
  };
}
