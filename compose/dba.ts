/**
 * What a DBA does by hand elsewhere, for the containers of docker-compose.yml: `node compose/dba.ts shop` before the
 * migrations, `node compose/dba.ts toolkit` after them. The only programs that connect as a superuser. Safe to run again.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig } from '@strangler/config';
import { setupStatements } from '@strangler/playbook';
import pg from 'pg';

const root = path.join(import.meta.dirname, '..');

/** The flag server owns its database; the other roles.sql lie beside those whose roles they are. */
const unleashRole = `
do $$ begin
  if not exists (select from pg_roles where rolname = 'unleash') then create role unleash login; end if;
  execute format('alter database %I owner to unleash', current_database());
end $$;
alter schema public owner to unleash;`;

try {
  await main(process.argv[2]);
} catch (error) {
  process.stderr.write(`dba: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(step: string | undefined): Promise<void> {
  if (step === 'shop') {
    await asDba('MONOLITH_DATABASE_URL', await rolesOf('legacy-monolith'), { closed: true });
    await asDba('ORDERS_DATABASE_URL', await rolesOf('extracted/orders'), { closed: true });
    await asDba('UNLEASH_DATABASE_URL', unleashRole, { closed: true });
  } else if (step === 'toolkit') {
    const config = await loadConfig(path.join(root, 'strangler.config.ts'));
    await asDba('MONOLITH_DATABASE_URL', setupStatements(config, 'monolith'));
    await asDba('ORDERS_DATABASE_URL', setupStatements(config, 'service'));
  } else {
    throw new Error('say shop or toolkit');
  }
}

async function rolesOf(folder: string): Promise<string> {
  return await readFile(path.join(root, folder, 'roles.sql'), 'utf8');
}

/** Runs SQL in a database; then each login role that has `ROLE_PASSWORD` in the environment gets it. */
async function asDba(variable: string, sql: string, { closed = false } = {}): Promise<void> {
  const url = new URL(given(variable));
  const database = decodeURIComponent(url.pathname.slice(1));
  const client = new pg.Client({
    host: url.hostname,
    port: Number(url.port || 5432),
    database,
    user: 'postgres',
    password: given('POSTGRES_PASSWORD'),
    connectionTimeoutMillis: 10_000,
    statement_timeout: 60_000,
  });
  await client.connect();
  try {
    const name = client.escapeIdentifier(database);
    if (closed) await client.query(`revoke connect, temporary on database ${name} from public`);
    await client.query(sql);
    const { rows } = await client.query<{ rolname: string }>(
      'select rolname from pg_roles where rolcanlogin and not rolsuper order by rolname',
    );
    for (const { rolname } of rows) {
      const password = process.env[`${rolname.toUpperCase()}_PASSWORD`];
      if (!password) continue;
      await client.query(
        `alter role ${client.escapeIdentifier(rolname)} password ${client.escapeLiteral(password)}`,
      );
      process.stdout.write(`${database}: ${rolname} has its password\n`);
    }
  } finally {
    await client.end();
  }
}

function given(variable: string): string {
  const value = process.env[variable];
  if (value) return value;
  throw new Error(`${variable} is not set`);
}
