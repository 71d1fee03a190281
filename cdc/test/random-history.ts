import { literal } from '@strangler/postgres';
import fc from 'fast-check';

/** SQL of a value of each column; `columns` has their types. */
type Row = Readonly<Record<string, string | undefined>>;

const text = fc
  .string({ unit: 'binary', maxLength: 30 })
  .map((each) => each.replaceAll('\0', ''))
  .map(literal);
const int8 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((each) => `'${each}'::bigint`);
const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.nat({ max: 999_999_999 }), fc.nat({ max: 9 }))
  .map(
    ([whole, fraction, digits]) =>
      `'${whole}.${String(fraction).padStart(9, '0').slice(0, digits)}'::numeric`,
  );
const double = fc.double().map((each) => `'${Object.is(each, -0) ? '-0' : each}'::float8`);
const float = fc.float().map((each) => `'${Object.is(each, -0) ? '-0' : each}'::float4`);
const days = fc.integer({ min: -2_440_000, max: 106_000_000 });
const dayMicros = fc.integer({ min: 0, max: 86_399_999_999 });
const jsonText = fc.json({ stringUnit: 'grapheme' }).filter((each) => !each.includes('\\u0000'));
const nullable = (each: fc.Arbitrary<string>) => fc.option(each, { nil: 'NULL' });
const list = (each: fc.Arbitrary<string>) =>
  fc.array(nullable(each), { maxLength: 4 }).map((all) => all.join(', '));

const types: Readonly<Record<string, { readonly type: string; readonly value: fc.Arbitrary<string> }>> = {
  t: { type: 'text', value: text },
  i8: { type: 'bigint', value: int8 },
  num: { type: 'numeric', value: fc.oneof(decimal, fc.constantFrom(`'NaN'`, `'-Infinity'`)) },
  f8: { type: 'float8', value: double },
  f4: { type: 'float4', value: float },
  b: {
    type: 'bytea',
    value: fc.uint8Array({ maxLength: 40 }).map((each) => `'\\x${Buffer.from(each).toString('hex')}'::bytea`),
  },
  tz: {
    type: 'timestamptz',
    value: fc.oneof(
      fc
        .tuple(days, dayMicros)
        .map(([day, us]) => `'epoch'::timestamptz + interval '${day} days ${us} microseconds'`),
      fc.constantFrom(`'infinity'`, `'-infinity'`),
    ),
  },
  ts: {
    type: 'timestamp',
    value: fc
      .tuple(days, dayMicros)
      .map(([day, us]) => `'epoch'::timestamp + interval '${day} days ${us} microseconds'`),
  },
  d: { type: 'date', value: days.map((day) => `'epoch'::date + ${day}`) },
  tm: {
    type: "time CHECK (tm < '24:00')",
    value: dayMicros.map((us) => `'00:00'::time + interval '${us} microseconds'`),
  },
  iv: {
    type: 'interval CHECK (isfinite(iv))',
    value: fc
      .tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: -1e6, max: 1e6 }), fc.maxSafeInteger())
      .map(
        ([months, day, us]) => `'${months} months ${day} days ${Math.trunc(us / 2)} microseconds'::interval`,
      ),
  },
  j: { type: 'json', value: jsonText.map((each) => `${literal(each)}::json`) },
  jb: { type: 'jsonb', value: jsonText.map((each) => `${literal(each)}::jsonb`) },
  u: { type: 'uuid', value: fc.uuid().map((each) => `'${each}'::uuid`) },
  bits: {
    type: 'bit(9)',
    value: fc.nat({ max: 511 }).map((each) => `B'${each.toString(2).padStart(9, '0')}'`),
  },
  ta: { type: 'text[]', value: list(text).map((each) => `ARRAY[${each}]::text[]`) },
  ia: {
    type: 'bigint[]',
    // Nothing but NULLs looks like an array of more dimensions, and stops.
    value: fc
      .tuple(int8, list(int8))
      .map(([first, rest]) => `ARRAY[${rest === '' ? first : `${first}, ${rest}`}]`),
  },
  hs: {
    type: 'hstore',
    value: fc
      .dictionary(fc.string({ maxLength: 5 }), fc.option(fc.string({ unit: 'grapheme', maxLength: 5 })), {
        maxKeys: 4,
      })
      .map((pairs) => {
        const values = Object.values(pairs).map((each) => (each === null ? 'NULL' : literal(each)));
        return `hstore(ARRAY[${Object.keys(pairs).map(literal).join(', ')}]::text[], ARRAY[${values.join(', ')}]::text[])`;
      }),
  },
  feeling: { type: 'mood', value: fc.constantFrom(`'sad'`, `'so so'`) },
  r: {
    type: 'numrange',
    value: fc.tuple(decimal, decimal).map(([a, b]) => `numrange(least(${a}, ${b}), greatest(${a}, ${b}))`),
  },
  p: { type: 'point', value: fc.tuple(double, double).map(([x, y]) => `point(${x}, ${y})`) },
  two: {
    type: 'pair',
    value: fc
      .tuple(nullable(fc.integer().map(String)), nullable(text))
      .map(([a, b]) => `ROW(${a}, ${b})::pair`),
  },
  big: {
    type: 'text',
    value: fc
      .nat()
      .map(
        (seed) => `(SELECT string_agg(md5((n * ${seed}::bigint)::text), '') FROM generate_series(1, 100) n)`,
      ),
  },
};

/** The tables of the history, under both kinds of old rows. */
export const randomTables = ['tossed', 'tossed_full'] as const;
const columns = Object.entries(types).map(([name, { type }]) => `${name} ${type}`);
export const randomSql = randomTables
  .map(
    (table) =>
      `CREATE TABLE ${table} (id int PRIMARY KEY, n int, ${columns.join(', ')}); ALTER TABLE ${table} ALTER big SET STORAGE EXTERNAL;`,
  )
  .join('\n');

const values = Object.fromEntries(Object.entries(types).map(([name, { value }]) => [name, nullable(value)]));
const row: fc.Arbitrary<Row> = fc.record(values);
const part: fc.Arbitrary<Row> = fc.record(values, { requiredKeys: [] });
const table = fc.constantFrom(...randomTables);
const id = fc.integer({ min: 1, max: 12 });

const statement: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(table, id, row).map(([name, at, cells]) => insertOf(name, at, cells)) },
  { weight: 6, arbitrary: fc.tuple(table, id, part).map(([name, at, cells]) => updateOf(name, at, cells)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(table, id, id)
      .map(
        ([name, from, to]) =>
          `UPDATE ${name} SET id = ${to} WHERE id = ${from} AND NOT EXISTS (SELECT FROM ${name} WHERE id = ${to})`,
      ),
  },
  { weight: 2, arbitrary: fc.tuple(table, id).map(([name, at]) => `DELETE FROM ${name} WHERE id = ${at}`) },
  { weight: 2, arbitrary: table.map((name) => `UPDATE ${name} SET n = n + 1`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      `SELECT pg_logical_emit_message(true, 'tossed', 'x')`,
      'SAVEPOINT s',
      `TRUNCATE ${randomTables.join(', ')}`,
    ),
  },
);

function insertOf(name: string, at: number, cells: Row): string {
  return `INSERT INTO ${name} (id, n, ${Object.keys(cells).join(', ')}) VALUES (${at}, 0, ${Object.values(cells).join(', ')}) ON CONFLICT DO NOTHING`;
}

function updateOf(name: string, at: number, cells: Row): string {
  const sets = Object.entries(cells).map(([column, value]) => `${column} = ${value}`);
  return `UPDATE ${name} SET ${['n = n + 1', ...sets].join(', ')} WHERE id <= ${at}`;
}

/** Transactions, some of them undone in part or whole. */
export const randomHistory: fc.Arbitrary<readonly string[]> = fc.array(
  fc
    .tuple(
      fc.array(statement, { minLength: 1, maxLength: 6 }),
      statement,
      fc.constantFrom('COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK'),
    )
    .map(
      ([statements, undone, end]) =>
        `BEGIN; ${statements.join('; ')}; SAVEPOINT u; ${undone}; ROLLBACK TO u; ${end}`,
    ),
  { minLength: 3, maxLength: 12 },
);
