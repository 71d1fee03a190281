import type { Row, Sql } from '@strangler/postgres';
import type { ComparedTable } from './compared-table.ts';
import { boundary, type Key, type KeyRange, rangeDigest, rangeRows, type Statement } from './statements.ts';

export interface BothSides {
  readonly monolith: Sql;
  readonly service: Sql;
}

/** What a first pass over a table found. */
export interface Suspects {
  readonly rows: number;
  /** Keys whose rows were not alike when they were read; by then some were only on their way. */
  readonly keys: readonly Key[];
  /** Whether the pass stopped at so many that it makes no sense to list more. */
  readonly more: boolean;
}

export interface PassOptions {
  readonly signal: AbortSignal;
  readonly onRows: (rows: number) => void;
  /** Rows per range. */
  readonly rangeRows: number;
  /** From this size on a range's rows are compared one by one instead of being split again. */
  readonly leafRows: number;
  readonly maxSuspects: number;
}

/** Compares range by range; a range that differs is split until its rows are few enough to compare each. */
export async function findSuspects(
  table: ComparedTable,
  sides: BothSides,
  options: PassOptions,
): Promise<Suspects> {
  const { signal, leafRows, maxSuspects } = options;
  const found: Key[] = [];
  let rows = 0;
  const compare = async (range: KeyRange, size: number, whole: boolean): Promise<void> => {
    const parts = ranges(table, sides.monolith, range, size);
    await eachAhead(parts, async (part) => {
      signal.throwIfAborted();
      if (found.length > maxSuspects) return;
      const both = await digests(table, sides, part);
      if (whole) {
        rows += both.rows;
        options.onRows(rows);
      }
      if (both.equal) return;
      if (size <= leafRows) found.push(...(await differingKeys(table, sides, part)));
      else await compare(part, Math.max(leafRows, Math.ceil(size / 10)), false);
    });
  };
  // Without an index each range reads the whole table: few and large ones then.
  const least = table.indexed ? 0 : Math.ceil(table.estimatedRows / 16);
  await compare({ after: null, to: null }, Math.max(options.rangeRows, least), true);
  return { rows, keys: found.slice(0, maxSuspects), more: found.length > maxSuspects };
}

/** Works on a few items at once, so that both databases are busy while we look at answers; the first failure ends it. */
async function eachAhead<T>(items: AsyncIterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const pending = new Set<Promise<void>>();
  const failures: unknown[] = [];
  for await (const item of items) {
    const one: Promise<void> = work(item)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => pending.delete(one));
    pending.add(one);
    if (pending.size >= 3) await Promise.race(pending);
    if (failures.length > 0) break;
  }
  await Promise.all(pending);
  if (failures.length > 0) throw failures[0];
}

/** Cuts a range by the monolith's keys; together the parts leave no key out, whichever side has it. */
async function* ranges(
  table: ComparedTable,
  monolith: Sql,
  range: KeyRange,
  size: number,
): AsyncGenerator<KeyRange> {
  let after = range.after;
  for (;;) {
    const end = await run(monolith, boundary(table.monolith, { after, to: range.to }, size));
    const row = end[0];
    if (!row) break;
    const to = keyOf(row, table);
    yield { after, to };
    after = to;
  }
  yield { after, to: range.to };
}

async function digests(
  table: ComparedTable,
  sides: BothSides,
  range: KeyRange,
): Promise<{ rows: number; equal: boolean }> {
  const [[here], [there]] = await Promise.all([
    run(sides.monolith, rangeDigest(table.monolith, range)),
    run(sides.service, rangeDigest(table.service, range)),
  ]);
  const equal = here?.['rows'] === there?.['rows'] && here?.['digest'] === there?.['digest'];
  return { rows: Number(here?.['rows']), equal };
}

async function differingKeys(table: ComparedTable, sides: BothSides, range: KeyRange): Promise<Key[]> {
  const [here, there] = await Promise.all([
    run(sides.monolith, rangeRows(table.monolith, range)),
    run(sides.service, rangeRows(table.service, range)),
  ]);
  const before = digestsByKey(here, table);
  const after = digestsByKey(there, table);
  const keys = new Map([...before, ...after].map(([name, { key }]) => [name, key]));
  return [...keys].flatMap(([name, key]) =>
    before.get(name)?.digest === after.get(name)?.digest ? [] : [key],
  );
}

export interface KeyedDigest {
  readonly key: Key;
  readonly digest: string;
}

/** By a name for the key that no other key has. */
export function digestsByKey(rows: readonly Row[], table: ComparedTable): Map<string, KeyedDigest> {
  return new Map(
    rows.map((row) => {
      const key = keyOf(row, table);
      return [keyName(key), { key, digest: row['digest'] ?? '' }];
    }),
  );
}

export function keyName(key: Key): string {
  return JSON.stringify(key);
}

export function keyOf(row: Row, table: ComparedTable): Key {
  return table.keyNames.map((_, n) => row[`k${n}`] ?? '');
}

export async function run(sql: Sql, statement: Statement): Promise<Row[]> {
  return (await sql.query(statement.text, statement.values)).rows;
}
