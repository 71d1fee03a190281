import { createDatabase, type TestDatabase, templateDatabase } from '@strangler/cluster/testing';
import {
  beginClosing,
  bindEnvironment,
  createCheckpoint,
  createOwnership,
  decide,
  type Epoch,
  epochOf,
  finishRun,
  hold,
  openSide,
  type Run,
  release,
  type Side,
  setHomes,
  setStage,
  startRun,
} from '@strangler/ledger';
import { migrateUp, setupSql } from '@strangler/migrations';
import { connect, lsn, type Role, roleUrl, type Sql } from '@strangler/postgres';

export const environment = 'demo-facade';

/** Both databases with the real roles and ledger, and what the other parts of the toolkit do to it. */
export class TestLedger {
  readonly databases: Record<Side, TestDatabase>;

  private constructor(databases: Record<Side, TestDatabase>) {
    this.databases = databases;
  }

  static async make(): Promise<TestLedger> {
    const [monolith, service] = await Promise.all([makeSide('monolith'), makeSide('service')]);
    return new TestLedger({ monolith, service });
  }

  async as<T>(side: Side, role: Role, work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await connect({ url: this.databases[side].url(), role, name: 'test' });
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** What `sync` leaves behind: ownership on both sides, a stream each way, the stage. */
  async follow(extraction = 'orders'): Promise<void> {
    for (const side of ['monolith', 'service'] as const) {
      const direction = side === 'service' ? 'forward' : 'reverse';
      await this.as(side, 'admin', async (sql) => {
        await sql.query('SET ROLE strangler_owner');
        await createOwnership(sql, extraction, side);
        // Small epochs read better in the tests than the time.
        if (side === 'monolith')
          await sql.query('UPDATE strangler.ownership SET epoch = 1, term = 1 WHERE extraction = $1', [
            extraction,
          ]);
        await createCheckpoint(sql, extraction, {
          direction,
          slot: `slot_${direction}`,
          applied: lsn(0n),
          sourceEpoch: epochOf.parse(1),
          sourceState: direction === 'forward' ? 'open' : 'closed',
        });
        await sql.query(`UPDATE strangler.checkpoint SET holder = 'sink'`);
      });
    }
    await this.stage('following', extraction);
  }

  async stage(stage: 'following' | 'switched', extraction = 'orders'): Promise<void> {
    await this.as('monolith', 'operator', (sql) => setStage(sql, extraction, stage, 'hash'));
  }

  async homes(homes: string[], extraction = 'orders'): Promise<void> {
    await this.as('monolith', 'operator', (sql) => setHomes(sql, extraction, homes));
  }

  /** As the sink does: the stream that arrives at `side` is applied up to `position`. */
  async applied(side: Side, position: bigint | 'all', lagMs = 0, extraction = 'orders'): Promise<void> {
    const from = side === 'service' ? 'monolith' : 'service';
    const [row] = await this.databases[from].query<{ at: string }>(
      'SELECT pg_current_wal_insert_lsn()::text AS at',
    );
    const at = position === 'all' ? row?.at : `0/${position.toString(16)}`;
    await this.databases[side].query(
      `UPDATE strangler.checkpoint SET applied = $1, lag_ms = $2, renewed_at = clock_timestamp(), pid = pg_backend_pid() WHERE extraction = $3
       RETURNING pg_notify('strangler', json_build_object('kind', 'applied', 'extraction', extraction,
         'direction', direction, 'applied', applied::text, 'lagMs', lag_ms)::text)`,
      [at, lagMs, extraction],
    );
  }

  /** Something is written in that side's database: its position moves on. */
  async write(side: Side): Promise<void> {
    await this.databases[side].query(`SELECT pg_logical_emit_message(true, 'test', 'a write')`);
  }

  async startRun(extraction = 'orders'): Promise<Run> {
    return await this.as('monolith', 'operator', (sql) =>
      startRun(sql, { extraction, verb: 'switch', holder: 'test', leaseMs: 60_000, plan: [] }),
    );
  }

  async hold(run: Run, at: number, holdMs: number): Promise<void> {
    await this.as('monolith', 'operator', (sql) => hold(sql, run, epochOf.parse(at), holdMs));
  }

  async release(run: Run): Promise<void> {
    await this.as('monolith', 'operator', async (sql) => {
      await release(sql, run);
      await finishRun(sql, run, 'done');
    });
  }

  async fence(side: Side, at: Epoch, leaseMs = 2_000, extraction = 'orders'): Promise<Epoch> {
    return await this.as(side, 'operator', (sql) =>
      beginClosing(sql, extraction, at, { politeMs: 50, waitMs: 500, leaseMs, tables: [] }),
    );
  }

  /** Steps 3 to 6: fence, decide, open the other side. Returns the epoch at which it opened. */
  async move(from: Side, at: Epoch, extraction = 'orders'): Promise<Epoch> {
    const fence = await this.fence(from, at, 2_000, extraction);
    const decided = await this.as(from, 'operator', (sql) => decide(sql, extraction, fence, 500, {}));
    const to = from === 'monolith' ? 'service' : 'monolith';
    return await this.as(to, 'apply', (sql) => openSide(sql, extraction, decided));
  }
}

async function makeSide(side: Side): Promise<TestDatabase> {
  const template = await templateDatabase(side, 'facade_ledger', async (database) => {
    await database.query(setupSql(side, []));
    await migrateUp(roleUrl(database.url(), 'admin'), side);
  });
  const database = await createDatabase(side, { template });
  await database.query(setupSql(side, []));
  const admin = await connect({ url: database.url(), role: 'admin', name: 'test' });
  await admin.query('SET ROLE strangler_owner');
  await bindEnvironment(admin, environment, side);
  await admin.end();
  return database;
}
