/** A history of one table: what its transactions do, and how many rows each changes. */
export interface History {
  readonly name: string;
  readonly kind: 'inserts' | 'mixed';
  readonly size: 1 | 10 | 1_000;
}

const kinds = ['inserts', 'mixed'] as const;
const sizes = [1, 10, 1_000] as const;

export const histories: readonly History[] = kinds.flatMap((kind) =>
  sizes.map((size) => ({ name: `${kind}-${size}`, kind, size })),
);

export const columnsSql =
  '(id bigint PRIMARY KEY, kind text NOT NULL, amount numeric(12,2) NOT NULL, note text NOT NULL, at timestamptz NOT NULL)';

/** The row that a transaction of its own writes behind all others: whoever has it has everything. */
export const lastId = 0;

/** What is in a table of these columns, in few bytes. */
export function contentsSql(table: string): string {
  return `SELECT count(*) || ' rows, md5 ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY id)), '') AS contents FROM ${table} t`;
}

/** Writes a history of so many changes into `bench.event`, as fast as the source takes it. */
export function historySql({ kind, size }: History, rows: number): string {
  const transactions = Math.ceil(rows / size);
  return `
    DO $$ DECLARE made bigint := 0; gone bigint := 0; spot bigint; BEGIN
      FOR n IN 1..${transactions} LOOP
        SET LOCAL synchronous_commit = off;
        ${kind === 'inserts' ? insertSql(size) : mixedSql(size)}
        COMMIT;
      END LOOP;
      ${insertedRow(`${lastId}`)};
    END $$`;
}

function insertedRow(id: string): string {
  return `INSERT INTO bench.event
    SELECT ${id}, 'kind ' || i, i * 1.25, 'a note of an ordinary length, ' || md5(i::text), clock_timestamp() FROM generate_series(1, 1) i`;
}

function insertSql(count: number): string {
  return `INSERT INTO bench.event
      SELECT made + i, 'kind ' || i, (made + i) * 1.25, 'a note of an ordinary length, ' || md5((made + i)::text), clock_timestamp()
        FROM generate_series(1, ${count}) i;
    made := made + ${count};`;
}

/** Of ten changes, five insert, four update rows that are there, anywhere in the table, and one deletes the oldest. */
function mixedSql(size: number): string {
  if (size > 1) return [insertSql(size / 2), updateSql(size * 0.4), deleteSql(size / 10)].join('\n');
  return `CASE WHEN n % 10 BETWEEN 1 AND 5 THEN ${insertSql(1)}
    WHEN n % 10 > 5 THEN ${updateSql(1)} ELSE ${deleteSql(1)} END CASE;`;
}

function updateSql(count: number): string {
  return `spot := gone + 1 + (n::bigint * 7919) % (made - gone - ${count} + 1);
    UPDATE bench.event SET amount = amount + 0.5, note = 'changed in ' || n || ', ' || md5(n::text)
     WHERE id BETWEEN spot AND spot + ${count - 1};`;
}

function deleteSql(count: number): string {
  return `DELETE FROM bench.event WHERE id BETWEEN gone + 1 AND gone + ${count};
    gone := gone + ${count};`;
}
