import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, StranglerError } from '@strangler/errors';
import pg from 'pg';
import { repository } from './process.ts';
import { rolePasswords, type Secrets } from './secrets.ts';

/** Gives a superuser's connection string for a database: the stack does here what a team's DBA does. */
export type SuperuserUrl = (database: string) => string;

/** Runs SQL as the superuser, all statements in one go. @throws StranglerError COMPONENT_FAILED */
export async function asDba(url: string, what: string, sql: string): Promise<void> {
  await connected(url, async (client) => {
    await client.query(sql).catch((cause: unknown) => {
      throw new StranglerError(
        'COMPONENT_FAILED',
        `${what} failed: ${messageOf(cause)}.`,
        'If the data is from another version, remove .strangler and start again.',
        { cause },
      );
    });
  });
}

/** The databases of the shop, of its services and of the flag server, empty, whatever was there before. */
export async function recreateDatabases(monolith: SuperuserUrl, service: SuperuserUrl): Promise<void> {
  const recreate = (url: string, name: string) =>
    connected(url, async (client) => {
      await client.query(`drop database if exists ${name} with (force)`);
      await client.query(`create database ${name} template template0`);
      await client.query(`revoke connect, temporary on database ${name} from public`);
    });
  await Promise.all([
    recreate(monolith('postgres'), 'shop'),
    recreate(service('postgres'), 'orders').then(() => recreate(service('postgres'), 'unleash')),
  ]);
}

/** The shop's, the service's and the flag server's roles: their own scripts for the DBA, run as the DBA would. */
export async function makeShopRoles(monolith: SuperuserUrl, service: SuperuserUrl): Promise<void> {
  const [shop, orders] = await Promise.all(
    ['legacy-monolith/roles.sql', 'extracted/orders/roles.sql'].map((file) =>
      readFile(path.join(repository, file), 'utf8'),
    ),
  );
  await asDba(monolith('shop'), "The shop's roles.sql", shop ?? '');
  await asDba(service('orders'), "The orders service's roles.sql", orders ?? '');
  await asDba(service('unleash'), "The flag server's role", flagServerRole);
}

const flagServerRole = `
do $$ begin
  if not exists (select from pg_roles where rolname = 'unleash') then create role unleash login; end if;
end $$;
alter database unleash owner to unleash;
alter schema public owner to unleash;`;

/** Gives each login role that this cluster has its password. */
export async function setPasswords(url: string, secrets: Secrets): Promise<void> {
  await connected(url, async (client) => {
    const found = await client.query<{ rolname: string }>('select rolname from pg_roles where rolcanlogin');
    for (const { rolname } of found.rows) {
      if (!isKnownRole(rolname)) continue;
      const password = client.escapeLiteral(secrets[rolePasswords[rolname]]);
      await client.query(`alter role ${client.escapeIdentifier(rolname)} password ${password}`);
    }
  });
}

function isKnownRole(name: string): name is keyof typeof rolePasswords {
  return name in rolePasswords;
}

/** Whether the data was made completely: a first start that was cut short begins again. */
export async function isPrepared(dataDir: string): Promise<boolean> {
  return readFile(path.join(dataDir, 'prepared'), 'utf8').then(
    () => true,
    () => false,
  );
}

/** Remembers that the data was made completely. */
export async function markPrepared(dataDir: string): Promise<void> {
  await writeFile(path.join(dataDir, 'prepared'), 'databases made, migrated and seeded\n');
}

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    statement_timeout: 120_000,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
