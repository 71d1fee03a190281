import type { TestDatabase } from '@strangler/cluster/testing';
import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { catalogue } from './catalogue.ts';
import { ledgerDatabase } from './ledger-database.ts';
import { stranger } from './stranger.ts';
import { Team } from './strangler-process.ts';

async function originsOf(database: TestDatabase): Promise<unknown[]> {
  return await database.query(`SELECT roname FROM pg_replication_origin WHERE roname LIKE 'strangler_team%'`);
}

describe('a stranger’s database', () => {
  let monolith: TestDatabase;
  let service: TestDatabase;

  beforeAll(async () => {
    monolith = await ledgerDatabase('monolith', stranger);
    service = await ledgerDatabase('service', stranger);
  });

  it('goes the whole way and back, from a config outside the repository', { timeout: 120_000 }, async () => {
    const team = await Team.found(stranger, { monolith: monolith.url(), service: service.url() });
    expect(await team.run('setup')).toMatchObject({ code: 0 });
    const before = { monolith: await catalogue(monolith), service: await catalogue(service) };
    await team.serveCdc();

    const doctor = await team.run('doctor', 'x');
    expect(doctor, doctor.stdout).toMatchObject({ code: 0 });
    const sync = await team.run('sync', 'x');
    expect(sync, sync.stdout).toMatchObject({
      code: 0,
      json: { result: { stage: 'following', followed: true } },
    });

    await writeMonolith(monolith);
    await monolith.query(
      `SET ROLE "Depot Owner"; CREATE TABLE "My Depot"."Reading 2027" PARTITION OF "My Depot"."Reading" FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')`,
    );
    const unfenced = await team.run(
      'switch',
      'x',
      '--writes',
      '--accept',
      'verified,facades',
      '--reason',
      'to see the fence',
    );
    expect(unfenced).toMatchObject({
      code: 2,
      json: { error: { code: 'GATE_CLOSED', fact: expect.stringContaining('Reading 2027') } },
    });
    expect(await team.run('sync', 'x')).toMatchObject({ code: 0, json: { result: { stage: 'following' } } });
    const verified = await team.run('verify', 'x');
    expect(verified, verified.stdout).toMatchObject({ code: 0, json: { result: { verdict: 'equal' } } });

    const refused = await team.run('switch', 'x', '--writes');
    expect(refused).toMatchObject({
      code: 2,
      json: { error: { code: 'GATE_CLOSED', fact: expect.stringContaining('facades') } },
    });
    const accepted = ['--accept', 'facades', '--reason', 'this test has none'];
    const switched = await team.run('switch', 'x', '--writes', ...accepted);
    expect(switched, switched.stdout + switched.stderr).toMatchObject({
      code: 0,
      json: { result: { switched: true } },
    });
    expect(await team.run('switch', 'x', '--writes', ...accepted)).toMatchObject({
      code: 0,
      json: { result: { switched: false } },
    });

    await expect(writeMonolith(monolith)).rejects.toMatchObject({
      code: 'SF001',
      message: expect.stringContaining('belong to the service'),
    });
    await writeService(service);
    const cancelled = await team.run('cancel', 'x', '--confirm', 'x');
    expect(cancelled).toMatchObject({ code: 2, json: { error: { code: 'STAGE_WRONG' } } });

    expect(await team.run('verify', 'x')).toMatchObject({ code: 0 });
    const reversed = await team.run('reverse', 'x', ...accepted);
    expect(reversed, reversed.stdout + reversed.stderr).toMatchObject({
      code: 0,
      json: { result: { switched: true, direction: 'reverse' } },
    });
    await expect(writeService(service)).rejects.toMatchObject({
      code: 'SF001',
      message: expect.stringContaining('belong to the monolith'),
    });
    await writeMonolith(monolith);
    const last = await team.run('verify', 'x');
    expect(last, last.stdout).toMatchObject({ code: 0, json: { result: { verdict: 'equal' } } });

    const [carried] = await monolith.query(
      `SELECT "The ""Mood"""::text AS mood, amount::text FROM "My Depot"."Stock Move" WHERE note = 'from the service'`,
    );
    expect(carried).toEqual({ mood: "it's bad", amount: '12345678901234567890.000000000000000001' });

    expect(await team.run('cancel', 'x')).toMatchObject({ code: 3 });
    expect(await team.run('cancel', 'x', '--confirm', 'x')).toMatchObject({
      code: 0,
      json: { result: { cancelled: true, ledgerRemoved: true } },
    });
    await monolith.query(`DROP TABLE "My Depot"."Reading 2027"`);
    expect(await catalogue(monolith)).toEqual(before.monolith);
    expect(await catalogue(service)).toEqual(before.service);
    expect(
      await monolith.query(`SELECT FROM pg_class WHERE relnamespace = 'strangler'::regnamespace`),
    ).toEqual([]);
    expect([...(await originsOf(monolith)), ...(await originsOf(service))]).toEqual([]);
    await writeMonolith(monolith);

    // And once more from the start: nothing of the first time is in the way.
    expect(await team.run('setup')).toMatchObject({ code: 0 });
    const again = await team.run('sync', 'x');
    expect(again, again.stdout).toMatchObject({ code: 0 });
    expect(await team.run('verify', 'x')).toMatchObject({ code: 0 });
    expect(await team.run('cancel', 'x', '--confirm', 'x')).toMatchObject({ code: 0 });
  });
});

async function asRole(database: TestDatabase, role: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client(database.url(role));
  await client.connect();
  try {
    await client.query(['BEGIN', ...statements, 'COMMIT'].join(';'));
  } finally {
    await client.end();
  }
}

async function writeMonolith(database: TestDatabase): Promise<void> {
  await asRole(database, 'depot app', [
    `INSERT INTO "My Depot"."Stock Move" ("Site Id", note, amount) VALUES (1, 'new', 'NaN'), (2, NULL, -0.10)`,
    `UPDATE "My Depot"."Stock Move" SET "The ""Mood""" = 'it''s bad', at = '-infinity' WHERE "Site Id" = 3`,
    `UPDATE "My Depot"."Stock Move" SET "No" = "No" + 100000 WHERE "Site Id" = 4 AND "No" = (SELECT max("No") FROM "My Depot"."Stock Move" WHERE "Site Id" = 4 AND "No" < 100000)`,
    `DELETE FROM "My Depot"."Stock Move" WHERE ("Site Id", "No") = (SELECT "Site Id", max("No") FROM "My Depot"."Stock Move" WHERE "Site Id" = 5 GROUP BY 1)`,
    `UPDATE "My Depot"."Reading" SET day = day + 30 WHERE sensor = 7 AND day = '2025-12-31'`,
    `DELETE FROM "My Depot"."Reading" WHERE sensor = 11`,
  ]);
}

async function writeService(database: TestDatabase): Promise<void> {
  await asRole(database, 'moves_app', [
    `INSERT INTO moves.move (site, mood, note, amount, at) VALUES (1, 'it''s bad', 'from the service', 12345678901234567890.000000000000000001, clock_timestamp())`,
    `UPDATE moves.move SET mood = 'good' WHERE site = 3`,
    `DELETE FROM moves."READING" WHERE sensor = 12`,
  ]);
}
