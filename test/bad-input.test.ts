import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster } from '@strangler/cluster';
import { createDatabase, type TestDatabase } from '@strangler/cluster/testing';
import { setupSql } from '@strangler/migrations';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { catalogue } from './catalogue.ts';
import { ledgerDatabase, type TestSchema } from './ledger-database.ts';
import { Team, type TeamConfig } from './strangler-process.ts';

const sql = `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bad_owner') THEN CREATE ROLE bad_owner NOLOGIN; END IF;
  END $$;
  CREATE SCHEMA app AUTHORIZATION bad_owner;
  SET ROLE bad_owner;
  CREATE TABLE app.item (id int PRIMARY KEY, n int);
  CREATE TABLE app.keyless (n int);
  CREATE TABLE app.forbidden (id int PRIMARY KEY);
  RESET ROLE;
`;
const schema: TestSchema = {
  name: 'bad_input',
  sql: { monolith: sql, service: sql },
  extraction: { tables: { 'app.item': {} } },
};

type Edit = (config: TeamConfig) => object;
const withTables =
  (tables: object): Edit =>
  (config) => ({ ...config, extractions: { x: { ...config.extractions.x, tables } } });

/** A team whose databases are ready, with what the test breaks about them. */
async function team(edit: Edit = (config) => config) {
  const monolith = await ledgerDatabase('monolith', schema);
  const service = await ledgerDatabase('service', schema);
  const urls = { monolith: monolith.url(), service: service.url() };
  const ready = await Team.found(schema, urls);
  expect(await ready.run('setup')).toMatchObject({ code: 0 });
  return { monolith, service, team: await Team.found(schema, urls, {}, edit) };
}

/** Runs the command and expects one clear refusal, and both databases as they were. */
async function refuses(
  bad: { monolith: TestDatabase; service: TestDatabase; team: Team },
  words: readonly string[],
  expected: { exit: number; code: string; fact: RegExp; remedy: RegExp },
): Promise<void> {
  const before = [await catalogue(bad.monolith), await catalogue(bad.service)];
  const said = await bad.team.run(...words);
  expect(said, said.stdout + said.stderr).toMatchObject({
    code: expected.exit,
    json: {
      ok: false,
      error: {
        code: expected.code,
        fact: expect.stringMatching(expected.fact),
        remedy: expect.stringMatching(expected.remedy),
      },
    },
  });
  expect(said.stderr).not.toMatch(/\n +at /);
  expect([await catalogue(bad.monolith), await catalogue(bad.service)]).toEqual(before);
  expect(await bad.service.query('SELECT FROM strangler.ownership')).toEqual([]);
}

describe('bad input gets one clear message, its exit code, and changes nothing', () => {
  it('an unknown key', async () => {
    const bad = await team((config) => ({ ...config, extraction: {} }));
    await refuses(bad, ['sync', 'x'], {
      exit: 3,
      code: 'CONFIG_INVALID',
      fact: /extraction/,
      remedy: /docs\/config\.md/,
    });
  });

  it('a wrong type', async () => {
    const bad = await team((config) => ({
      ...config,
      extractions: { x: { ...config.extractions.x, limits: { lag: 2 } } },
    }));
    await refuses(bad, ['sync', 'x'], {
      exit: 3,
      code: 'CONFIG_INVALID',
      fact: /extractions\.x\.limits\.lag/,
      remedy: /docs\/config\.md/,
    });
  });

  it('a missing table', async () => {
    const bad = await team(withTables({ 'app.item': {}, 'app.nothing': {} }));
    await refuses(bad, ['sync', 'x'], {
      exit: 2,
      code: 'CHECK_FAILED',
      fact: /app"?\."?nothing/,
      remedy: /./,
    });
  });

  it('a table without primary key', async () => {
    const bad = await team(withTables({ 'app.keyless': {} }));
    await refuses(bad, ['sync', 'x'], {
      exit: 2,
      code: 'CHECK_FAILED',
      fact: /keyless.*primary key/,
      remedy: /./,
    });
  });

  it('a role without the grants', async () => {
    const bad = await team(withTables({ 'app.item': {}, 'app.forbidden': {} }));
    await refuses(bad, ['sync', 'x'], {
      exit: 2,
      code: 'CHECK_FAILED',
      fact: /strangler_\w+.*app"?\."?forbidden/,
      remedy: /./,
    });
  });

  it('service tables that are not empty', async () => {
    const bad = await team();
    await bad.service.query('INSERT INTO app.item VALUES (1, 1)');
    await refuses(bad, ['sync', 'x'], {
      exit: 2,
      code: 'CHECK_FAILED',
      fact: /app"?\."?item.*row/,
      remedy: /./,
    });
    expect(await bad.service.query('SELECT id FROM app.item')).toEqual([{ id: 1 }]);
  });

  it('trap 48: databases swapped', async () => {
    const bad = await team((config) => ({
      ...config,
      monolith: { ...config.monolith, database: Object(config.extractions.x['service']).database },
      extractions: {
        x: {
          ...config.extractions.x,
          service: { ...Object(config.extractions.x['service']), database: config.monolith.database },
        },
      },
    }));
    await refuses(bad, ['sync', 'x'], {
      exit: 2,
      code: 'ENVIRONMENT_MISMATCH',
      fact: /swapped/,
      remedy: /config/,
    });
  });

  it('wal_level that is not logical', { timeout: 60_000 }, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'strangler-replica-'));
    await chmod(dataDir, 0o711);
    const cluster = await startCluster({
      dataDir: join(dataDir, 'pg'),
      settings: { wal_level: 'replica', fsync: 'off' },
    });
    onTestFinished(async () => {
      await cluster.stop();
      await rm(dataDir, { recursive: true, force: true });
    });
    const dba = new pg.Client(cluster.url('postgres'));
    await dba.connect();
    await dba.query(sql);
    await dba.query(setupSql('monolith', ['"app"."item"']));
    await dba.end();
    const service = await ledgerDatabase('service', schema);
    const bad = await Team.found(schema, { monolith: cluster.url('postgres'), service: service.url() });
    expect(await bad.run('setup')).toMatchObject({ code: 0 });
    const before = await catalogue(service);
    const said = await bad.run('sync', 'x');
    expect(said, said.stdout).toMatchObject({
      code: 2,
      json: {
        error: {
          code: 'CHECK_FAILED',
          fact: expect.stringMatching(/wal_level.*replica/),
          remedy: expect.stringMatching(/wal_level/),
        },
      },
    });
    expect(await catalogue(service)).toEqual(before);
  });

  it('a database that is not there, without its password in the message', async () => {
    const bad = await team((config) => ({
      ...config,
      monolith: { ...config.monolith, database: 'postgres://me:sesame@127.0.0.1:1/none' },
    }));
    const said = await bad.team.run('status');
    expect(said).toMatchObject({ code: 5, json: { error: { code: 'DATABASE_UNREACHABLE' } } });
    expect(said.stdout + said.stderr).not.toContain('sesame');
  });

  it('a database that nobody has set up', async () => {
    const empty = { monolith: await createDatabase('monolith'), service: await createDatabase('service') };
    await empty.monolith.query(sql);
    await empty.service.query(sql);
    const bad = await Team.found(schema, { monolith: empty.monolith.url(), service: empty.service.url() });
    const said = await bad.run('sync', 'x');
    expect(said).toMatchObject({
      code: 3,
      json: { error: { code: 'LEDGER_MISSING', remedy: expect.stringContaining('strangler setup') } },
    });
  });
});
