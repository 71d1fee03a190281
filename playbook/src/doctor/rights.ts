import type { Catalog } from '@strangler/cdc';
import type { Side } from '@strangler/ledger';
import { literal, qualified, type Sql } from '@strangler/postgres';
import { type Problem, refuse } from './finding.ts';

/** A right in words, and the SQL that says whether it is there. */
interface Right {
  readonly missing: string;
  readonly sql: string;
}

const roles = [
  'strangler_owner',
  'strangler_admin',
  'strangler_source',
  'strangler_apply',
  'strangler_facade',
  'strangler_operator',
];

/** The roles, and each right that `strangler setup --sql` grants, as the server sees it now. */
export async function rightsProblems(sql: Sql, side: Side, catalog: Catalog): Promise<Problem[]> {
  const remedy = `Run the SQL of \`strangler setup --sql --side ${side}\` as the DBA: it grants exactly what is needed.`;
  const { rows: known } = await sql.query(
    `SELECT rolname AS name, rolsuper AS super FROM pg_roles WHERE rolname = ANY ($1)`,
    [roles],
  );
  const absent = roles.filter((role) => !known.some((row) => row['name'] === role));
  if (absent.length > 0) return [refuse(`The ${side} has no role ${absent.join(', ')}.`, remedy)];
  const problems = known
    .filter((row) => row['super'] === 't')
    .map((row) =>
      refuse(`${row['name']} is a superuser at the ${side}.`, `ALTER ROLE ${row['name']} NOSUPERUSER.`),
    );
  const rights = [...generalRights(), ...[...catalog.values()].flatMap(tableRights)];
  const { rows } = await sql.query(
    `SELECT ${rights.map((right, n) => `(${right.sql}) AS r${n}`).join(', ')}`,
  );
  return [
    ...problems,
    ...rights
      .filter((_, n) => rows[0]?.[`r${n}`] !== 't')
      .map((right) => refuse(`At the ${side}, ${right.missing}.`, remedy)),
    ...(await rowSecurityProblems(sql, side, catalog)),
  ];
}

function generalRights(): Right[] {
  const execute = (role: string, signature: string): Right => ({
    missing: `${role} may not execute ${signature}`,
    sql: `has_function_privilege('${role}', '${signature}', 'EXECUTE')`,
  });
  return [
    {
      missing: 'strangler_source has no REPLICATION',
      sql: `SELECT rolreplication FROM pg_roles WHERE rolname = 'strangler_source'`,
    },
    {
      missing: 'strangler_admin may not create publications (CREATE on the database)',
      sql: `has_database_privilege('strangler_admin', current_database(), 'CREATE')`,
    },
    {
      missing: 'strangler_apply may not make temporary tables (TEMPORARY on the database)',
      sql: `has_database_privilege('strangler_apply', current_database(), 'TEMPORARY')`,
    },
    {
      missing: 'strangler_admin is no member of strangler_owner',
      sql: `pg_has_role('strangler_admin', 'strangler_owner', 'USAGE')`,
    },
    {
      missing: 'strangler_apply may not set session_replication_role',
      sql: `has_parameter_privilege('strangler_apply', 'session_replication_role', 'SET')`,
    },
    execute('strangler_apply', 'pg_replication_origin_session_setup(text)'),
    execute('strangler_admin', 'pg_replication_origin_create(text)'),
    execute('strangler_admin', 'pg_replication_origin_drop(text)'),
  ];
}

function tableRights(facts: Catalog extends ReadonlyMap<string, infer Facts> ? Facts : never): Right[] {
  const table = qualified(facts.table);
  const onTable = (role: string, privilege: string): Right => ({
    missing: `${role} lacks ${privilege} on ${table}`,
    sql: `has_table_privilege('${role}', ${facts.oid}::oid, '${privilege}')`,
  });
  const onSchema = (role: string): Right => ({
    missing: `${role} lacks USAGE on schema ${facts.table.schema}`,
    sql: `has_schema_privilege('${role}', ${literal(facts.table.schema)}, 'USAGE')`,
  });
  const onSequence = (role: string, privilege: string, sequence: string): Right => ({
    missing: `${role} lacks ${privilege} on sequence ${sequence}`,
    sql: `has_sequence_privilege('${role}', ${literal(sequence)}, '${privilege}')`,
  });
  return [
    {
      missing: `strangler_admin is no member of ${facts.owner}, which owns ${table}`,
      sql: `pg_has_role('strangler_admin', ${literal(facts.owner)}, 'USAGE')`,
    },
    ...['strangler_source', 'strangler_apply'].map(onSchema),
    onTable('strangler_source', 'SELECT'),
    ...['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'].map((each) => onTable('strangler_apply', each)),
    ...facts.sequences.flatMap(({ sequence }) => [
      onSequence('strangler_source', 'SELECT', qualified(sequence)),
      onSequence('strangler_owner', 'SELECT', qualified(sequence)),
      onSequence('strangler_apply', 'SELECT', qualified(sequence)),
      onSequence('strangler_apply', 'UPDATE', qualified(sequence)),
    ]),
  ];
}

/** Our sessions set row_security off: a policy makes them fail instead of hiding rows (trap 22). */
async function rowSecurityProblems(sql: Sql, side: Side, catalog: Catalog): Promise<Problem[]> {
  const secured = [...catalog.values()].filter((facts) => facts.rowSecurity);
  if (secured.length === 0) return [];
  const { rows } = await sql.query(
    `SELECT rolname AS name FROM pg_roles WHERE rolname IN ('strangler_source', 'strangler_apply') AND NOT rolbypassrls AND NOT rolsuper`,
  );
  const names = rows.map((row) => row['name']).join(', ');
  if (names === '') return [];
  return secured.map((facts) =>
    refuse(
      `Row security of ${qualified(facts.table)} at the ${side} stops ${names}.`,
      `As the DBA: ALTER ROLE … BYPASSRLS for ${names}.`,
    ),
  );
}
