import { createDatabase, exclusively, type TestDatabase } from '@strangler/cluster/testing';
import { connect, type Role } from '@strangler/postgres';
import { beforeAll, describe, expect, it } from 'vitest';
import { ledgerDatabase } from '../../test/ledger-database.ts';
import { oneTable } from '../test/one-table.ts';
import { bindEnvironment, checkEnvironment, type Side } from './index.ts';

let shop: TestDatabase;
let orders: TestDatabase;
let unbound: TestDatabase;

const bind = async (database: TestDatabase, name: string, side: Side) => {
  const admin = await connect({ url: database.url(), role: 'admin', name: 'test' });
  await bindEnvironment(admin, name, side);
  await admin.end();
};
/** Checks as one of the roles that act, on a connection of its own. */
const check = async (database: TestDatabase, name: string, side: Side, role: Role = 'operator') => {
  const client = await connect({ url: database.url(), role, name: 'test' });
  try {
    await checkEnvironment(client, name, side);
  } finally {
    await client.end();
  }
};

/** A clone with everything in it. PostgreSQL clones only what nobody is connected to. */
const copyOf = async (database: TestDatabase) => {
  await exclusively(database.side, (client) =>
    client.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1', [
      database.name,
    ]),
  );
  return await createDatabase(database.side, { template: database.name });
};

beforeAll(async () => {
  [shop, orders, unbound] = [
    await ledgerDatabase('monolith', oneTable),
    await ledgerDatabase('service', oneTable),
    await ledgerDatabase('monolith', oneTable),
  ];
  await bind(shop, 'production', 'monolith');
  await bind(orders, 'production', 'service');
});

describe('the environment of a ledger', () => {
  it.each(['operator', 'source', 'apply', 'facade'] as const)(
    'lets %s act where it belongs',
    async (role) => {
      await check(shop, 'production', 'monolith', role);
      await check(orders, 'production', 'service', role);
    },
  );

  it('trap 48: is not the one of another environment', async () => {
    await expect(check(shop, 'staging', 'monolith')).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISMATCH',
      exitCode: 2,
      fact: "The monolith's database belongs to environment production, not staging.",
    });
  });

  it('notices swapped databases', async () => {
    await expect(check(orders, 'production', 'monolith')).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISMATCH',
      fact: "The monolith's database is the service's: the two databases are swapped in the config.",
    });
  });

  it('trap 48: a copy on the same server is inert', async () => {
    const copy = await copyOf(shop);
    await expect(check(copy, 'production', 'monolith')).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISMATCH',
      fact: "The monolith's database is a copy of another one.",
      remedy: expect.stringContaining('drop the schema strangler'),
    });
    // Binding it again does not make it somebody.
    await bind(copy, 'production', 'monolith');
    await expect(check(copy, 'production', 'monolith')).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISMATCH',
    });
  });

  it('trap 19: a copy of the same name on another server is inert', async () => {
    const copy = await copyOf(shop);
    // What its row says after a restore there: everything as here but the server's own identity.
    await copy.query(
      `UPDATE strangler.environment SET database = current_database(), system_identifier = '7'`,
    );
    await expect(check(copy, 'production', 'monolith')).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISMATCH',
      fact: "The monolith's database is a copy of another one.",
    });
  });

  it('says that setup has not run, whichever half of it is missing', async () => {
    await expect(check(unbound, 'production', 'monolith')).rejects.toMatchObject({
      code: 'LEDGER_MISSING',
      exitCode: 3,
      fact: "The monolith's ledger is bound to no environment.",
    });
    const empty = await createDatabase('monolith');
    await expect(check(empty, 'production', 'monolith')).rejects.toMatchObject({
      code: 'LEDGER_MISSING',
      fact: "The monolith's database has no ledger.",
      remedy: 'Run `strangler setup` first.',
    });
  });

  it('is bound by nobody but the admin', async () => {
    const operator = await connect({ url: unbound.url(), role: 'operator', name: 'test' });
    await expect(bindEnvironment(operator, 'production', 'monolith')).rejects.toMatchObject({
      code: '42501',
    });
    await operator.end();
  });

  it('names of servers differ', async () => {
    const identity = 'SELECT system_identifier::text FROM pg_control_system()';
    const [here] = await shop.query(identity);
    const there = await exclusively('service', async (client) => (await client.query(identity)).rows[0]);
    expect(here).not.toEqual(there);
  });
});
