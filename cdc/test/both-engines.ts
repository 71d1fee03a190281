import type { ConfigInput } from '@strangler/config';
import { ident } from '@strangler/postgres';
import { copyTables } from '../src/index.ts';
import { caughtUp, follow, type RunningStream } from './follow.ts';
import { makeSides, type Sides } from './sides.ts';
import type { TypeCase } from './types.ts';

type Tables = NonNullable<ConfigInput['extractions']>[string]['tables'];

/** One monolith's database that both engines follow, each into a service of its own. */
export interface BothEngines {
  readonly embedded: Sides;
  readonly debezium: Sides;
  /** Starts both streams; they end with the test. */
  follow(): void;
  /** Runs SQL at the source. */
  write(sql: string): Promise<void>;
  /** Waits until both targets have everything, and names every cell in which they differ from the source. */
  differences(tables?: readonly string[]): Promise<string[]>;
}

/** Settings of the source's database that change how values are printed: ours must hold all the same (trap 23). */
const foreignSettings = [
  "DateStyle = 'SQL, DMY'",
  "IntervalStyle = 'sql_standard'",
  "bytea_output = 'escape'",
  "extra_float_digits = '0'",
  "xmlbinary = 'hex'",
  "TimeZone = 'Asia/Tokyo'",
];

/** Makes the databases and copies what `seed` wrote. */
export async function bothEngines(input: {
  readonly grown: NonNullable<ConfigInput['grown']>;
  readonly monolith: string;
  readonly service: string;
  readonly tables: Tables;
  readonly seed: string;
}): Promise<BothEngines> {
  const { grown, service, tables } = input;
  const embedded = await makeSides({ monolith: input.monolith, service, tables });
  const debezium = await makeSides({
    monolith: { beside: embedded },
    service,
    tables,
    ...(grown ? { grown } : {}),
  });
  for (const setting of foreignSettings)
    await embedded.monolith.query(`ALTER DATABASE ${ident(embedded.monolith.name)} SET ${setting}`);
  const signal = AbortSignal.timeout(60_000);
  await embedded.prepare();
  await debezium.prepare();
  await embedded.monolith.query(input.seed);
  for (const { config, extraction } of [embedded, debezium]) await copyTables({ config, extraction, signal });
  let streams: readonly RunningStream[] = [];
  return {
    embedded,
    debezium,
    follow: () => {
      streams = [follow(embedded, 'forward'), follow(debezium, 'forward')];
    },
    write: async (sql) => void (await embedded.monolith.query(sql)),
    differences: async (tables) => {
      await Promise.race([
        Promise.all([caughtUp(embedded, 'forward', 60_000), caughtUp(debezium, 'forward', 90_000)]),
        ...streams.map((each) => each.ended),
      ]);
      return [
        ...(await differencesOf(embedded, 'embedded', tables)),
        ...(await differencesOf(debezium, 'debezium', tables)),
      ];
    },
  };
}

type Texts = Readonly<Record<string, string | null>>;

async function differencesOf(sides: Sides, engine: string, tables?: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const { monolith, service } of sides.extraction.tables) {
    if (tables && !tables.includes(service.name)) continue;
    const there = await textsOf(sides, 'service', service.name);
    const wanted = await textsOf(
      sides,
      'monolith',
      monolith.name,
      Object.keys(there.values().next().value ?? {}),
    );
    for (const key of new Set([...wanted.keys(), ...there.keys()])) {
      const [source, target] = [wanted.get(key), there.get(key)];
      if (!source || !target)
        found.push(`${engine}: ${service.name} ${key} is ${target ? 'too much' : 'missing'}`);
      else found.push(...cellsOf(source, target).map((each) => `${engine}: ${service.name} ${key} ${each}`));
    }
  }
  return found;
}

function cellsOf(source: Texts, target: Texts): string[] {
  return Object.keys(target)
    .filter((column) => source[column] !== target[column])
    .map((column) => `${column}: ${shown(source[column])} became ${shown(target[column])}`);
}

function shown(text: string | null | undefined): string {
  return JSON.stringify(text)?.slice(0, 80) ?? 'nothing';
}

/** Rows by their ids, each column as PostgreSQL's text, under the settings that all our connections have. */
async function textsOf(
  sides: Sides,
  side: 'monolith' | 'service',
  table: string,
  columns?: readonly string[],
): Promise<Map<string, Texts>> {
  const role = side === 'monolith' ? 'source' : 'apply';
  return await sides.as(side, role, async (sql) => {
    const names =
      columns && columns.length > 0
        ? columns
        : (
            await sql.query(
              'SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum',
              [`public.${ident(table)}`],
            )
          ).rows.map((row) => String(row['attname']));
    const { rows } = await sql.query(
      `SELECT ${names.map((name) => `${ident(name)}::text AS ${ident(name)}`).join(', ')} FROM public.${ident(table)} ORDER BY id`,
    );
    return new Map(rows.map((row: Texts) => [String(row['id']), row]));
  });
}

/** The columns of a table of these types. */
export function columnsOf(types: readonly TypeCase[], notNull = false): string {
  return types
    .map(
      ({ name, type, check }) =>
        `${name} ${type}${notNull ? ' NOT NULL' : ''}${check ? ` CHECK (${check})` : ''}`,
    )
    .join(', ');
}

/** Values that are stored apart even if they would compress. */
export function storedApart(table: string, types: readonly TypeCase[]): string {
  return types
    .filter((each) => each.large !== undefined)
    .map(({ name }) => `ALTER TABLE ${table} ALTER ${name} SET STORAGE EXTERNAL;`)
    .join(' ');
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Rows that hold every value of every type, and NULL; the ids follow `after`. `whole` repeats values instead of NULL. */
export function valueRows(types: readonly TypeCase[], after: number, whole = false): string[] {
  const most = Math.max(...types.map((each) => each.values.length));
  return Array.from({ length: most + (whole ? 0 : 1) }, (_, at) => {
    const cells = types.map(({ type, values }) => {
      const value = whole ? values[at % values.length] : values[at];
      return value === undefined ? 'NULL' : castOf(type, value);
    });
    return `${after + 1 + at}, 0, ${cells.join(', ')}`;
  });
}

function castOf(type: string, value: string): string {
  return `(${quoted(value)})::${type}`;
}

/** One row with every value that is stored apart. */
export function largeRow(types: readonly TypeCase[], id: number, whole = false): string {
  const cells = types.map(({ type, values, large }) => {
    if (large !== undefined) return `${large}::${type}`;
    return whole && values[0] !== undefined ? castOf(type, values[0]) : 'NULL';
  });
  return `${id}, 0, ${cells.join(', ')}`;
}
