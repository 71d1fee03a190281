import { randomUUID } from 'node:crypto';
import type { TestDatabase, TestSide } from '@strangler/cluster/testing';
import pg from 'pg';
import { expect } from 'vitest';
import { ledgerDatabase, type TestSchema } from './ledger-database.ts';

const sql = (owner: string) => `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${owner}') THEN CREATE ROLE ${owner} NOLOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'flip_app') THEN CREATE ROLE flip_app LOGIN; END IF;
  END $$;
  CREATE SCHEMA flip AUTHORIZATION ${owner};
  GRANT USAGE ON SCHEMA flip TO flip_app;
  SET ROLE ${owner};
  CREATE TABLE flip.entry (id bigserial PRIMARY KEY, token uuid NOT NULL UNIQUE, writer int NOT NULL, n int NOT NULL);
  CREATE TABLE flip.total (writer int PRIMARY KEY, n int NOT NULL);
  RESET ROLE;
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA flip TO flip_app;
  GRANT USAGE ON ALL SEQUENCES IN SCHEMA flip TO flip_app;
`;
export const flipSchema: TestSchema = {
  name: 'flips',
  sql: { monolith: sql('flip_owner'), service: sql('flip_owner') },
  extraction: { tables: { 'flip.entry': {}, 'flip.total': {} } },
};
const writers = 6;
/** What a writer may meet while ownership moves: fenced, a snapshot from before, its connection taken away. */
const retried = new Set(['SF001', '40001', '57P01', '40P01']);

interface Acknowledged extends pg.QueryResultRow {
  readonly token: string;
  readonly id: string;
}

/** Writes one row and one count at a time, to whichever side lets it, until told to stop. */
class Writer {
  readonly acknowledged: Acknowledged[] = [];
  readonly unknown: string[] = [];
  readonly #number: number;
  readonly #databases: Record<TestSide, TestDatabase>;
  readonly #clients = new Map<TestSide, pg.Client>();
  #side: TestSide = 'monolith';

  constructor(number: number, databases: Record<TestSide, TestDatabase>) {
    this.#number = number;
    this.#databases = databases;
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) await this.#once();
    for (const client of this.#clients.values()) await client.end();
  }

  async #once(): Promise<void> {
    const token = randomUUID();
    let committing = false;
    try {
      const client = await this.#client();
      const level = this.#number < 2 ? 'REPEATABLE READ' : 'READ COMMITTED';
      await client.query(`BEGIN ISOLATION LEVEL ${level}`);
      await client.query('SELECT count(*) FROM flip.total');
      const { rows } = await client.query(
        'INSERT INTO flip.entry (token, writer, n) VALUES ($1, $2, $3) RETURNING id::text',
        [token, this.#number, this.acknowledged.length],
      );
      await client.query('UPDATE flip.total SET n = n + 1 WHERE writer = $1', [this.#number]);
      committing = true;
      await client.query('COMMIT');
      this.acknowledged.push({ token, id: rows[0].id });
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? error.code : undefined;
      if (code === undefined || !retried.has(code)) {
        if (!committing) throw error;
        this.unknown.push(token);
      }
      await this.#clients.get(this.#side)?.query('ROLLBACK');
      if (code === 'SF001') this.#side = this.#side === 'monolith' ? 'service' : 'monolith';
    }
  }

  async #client(): Promise<pg.Client> {
    let client = this.#clients.get(this.#side);
    if (!client) {
      client = new pg.Client(this.#databases[this.#side].url('flip_app'));
      await client.connect();
      this.#clients.set(this.#side, client);
    }
    return client;
  }
}

/** Both databases, with a counter for each writer. */
export async function flipDatabases(): Promise<Record<TestSide, TestDatabase>> {
  const databases = {
    monolith: await ledgerDatabase('monolith', flipSchema),
    service: await ledgerDatabase('service', flipSchema),
  };
  await databases.monolith.query(
    'INSERT INTO flip.total SELECT n, 0 FROM generate_series(0, $1::int - 1) n',
    [writers],
  );
  return databases;
}

/** Six writers past HTTP, two of them REPEATABLE READ, and the journal of what they were told. */
export class Crew {
  readonly #writers: readonly Writer[];
  readonly #databases: Record<TestSide, TestDatabase>;
  readonly #stop = new AbortController();
  readonly #working: Promise<unknown>;

  constructor(databases: Record<TestSide, TestDatabase>) {
    this.#databases = databases;
    this.#writers = Array.from({ length: writers }, (_, number) => new Writer(number, databases));
    this.#working = Promise.all(this.#writers.map((writer) => writer.run(this.#stop.signal)));
    this.#working.catch(() => {});
  }

  get acknowledged(): number {
    return this.#writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  /** Holds both databases against the journal: nothing lost, doubled or echoed, and nobody got past the fence. */
  async check(): Promise<void> {
    expect(this.#writers.flatMap((writer) => writer.unknown)).toEqual([]);
    const acknowledged = this.#writers.flatMap((writer) => writer.acknowledged);
    for (const side of ['monolith', 'service'] as const) {
      const database = this.#databases[side];
      const rows = await database.query<Acknowledged>('SELECT token::text, id::text FROM flip.entry');
      expect(rows.length, side).toBe(acknowledged.length);
      expect(new Map(rows.map(({ token, id }) => [token, id])), side).toEqual(
        new Map(acknowledged.map(({ token, id }) => [token, id])),
      );
      const totals = await database.query<{ n: number }>('SELECT n FROM flip.total ORDER BY writer');
      expect(
        totals.map(({ n }) => n),
        side,
      ).toEqual(this.#writers.map((writer) => writer.acknowledged.length));
      expect(await database.query('SELECT * FROM strangler.violation'), side).toEqual([]);
    }
  }
}
