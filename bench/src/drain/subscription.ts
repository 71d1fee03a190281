import { waitFor } from '@strangler/errors';
import type { Sides } from '../sides.ts';

const publication = 'bench_native';

/** What both databases need for PostgreSQL's own subscriptions; once. */
export async function publishNatively(sides: Sides, table: string): Promise<void> {
  await sides.query('monolith', `CREATE PUBLICATION ${publication} FOR TABLE ${table}`);
}

/** PostgreSQL's own consumer of the same table, into a table of the same name in a database of its own. */
export class Subscription {
  readonly database: string;
  readonly #sides: Sides;

  private constructor(sides: Sides, database: string) {
    this.#sides = sides;
    this.database = database;
  }

  /** Makes the database, its table and the subscription, which is off; its slot keeps everything from now on. */
  static async create(
    sides: Sides,
    options: { name: string; tableSql: string; settings: string },
  ): Promise<Subscription> {
    const database = `bench_${options.name}`;
    await sides.query('service', `CREATE DATABASE ${database}`);
    await sides.query('service', `CREATE SCHEMA bench; ${options.tableSql}`, database);
    await sides.query('monolith', `SELECT pg_create_logical_replication_slot('${database}', 'pgoutput')`);
    await sides.query(
      'service',
      `CREATE SUBSCRIPTION ${database} CONNECTION '${sides.url('monolith')}' PUBLICATION ${publication}
         WITH (slot_name = '${database}', create_slot = false, enabled = false, copy_data = false${options.settings})`,
      database,
    );
    return new Subscription(sides, database);
  }

  async start(): Promise<void> {
    await this.#query(`ALTER SUBSCRIPTION ${this.database} ENABLE`);
  }

  /** Settles when its worker and the walsender are gone. */
  async stop(): Promise<void> {
    await this.#query(`ALTER SUBSCRIPTION ${this.database} DISABLE`);
    await waitFor(
      async () => {
        const [slot] = await this.#sides.query(
          'monolith',
          `SELECT active FROM pg_replication_slots WHERE slot_name = '${this.database}'`,
        );
        const [worker] = await this.#query(
          `SELECT pid FROM pg_stat_subscription WHERE subname = '${this.database}'`,
        );
        return slot?.['active'] === false && worker?.['pid'] === null ? true : undefined;
      },
      { timeoutMs: 30_000, what: `the end of the subscription ${this.database}` },
    );
  }

  /** Ends it for good, with its slot. */
  async drop(): Promise<void> {
    await this.#query(`DROP SUBSCRIPTION ${this.database}`);
  }

  #query(sql: string) {
    return this.#sides.query('service', sql, this.database);
  }
}
