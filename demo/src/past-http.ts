import { pause } from '@strangler/errors';
import pg from 'pg';
import type { Databases } from './databases.ts';
import { Dice } from './shoppers/dice.ts';

/** Orders of the seed that these writers change, by their own column; shoppers never touch them. */
const orderIds = Array.from({ length: 20 }, (_, index) => index + 1);
const writers = 5;

/**
 * Programs that write the monolith's orders past HTTP, as real monoliths have them, in REPEATABLE READ transactions
 * that stay open for a moment. The database refuses them while the service owns; what it acknowledged has to survive
 * every switch.
 */
export class PastHttp {
  readonly #url: string;
  readonly #leaving = new AbortController();
  readonly #acknowledged = new Map<number, string>();
  readonly #unknown = new Map<number, Set<string>>();
  #working: Promise<unknown> | undefined;
  acknowledged = 0;
  refused = 0;

  constructor(monolithUrl: string) {
    this.#url = monolithUrl;
  }

  start(): void {
    this.#working = Promise.all(Array.from({ length: writers }, (_, index) => this.#write(index)));
  }

  async stop(): Promise<void> {
    this.#leaving.abort();
    await this.#working;
  }

  /** What the owner's rows lack of what was acknowledged. */
  async lost(databases: Databases, owner: 'monolith' | 'service'): Promise<string[]> {
    const sql = {
      monolith: 'select id, gift_message as text from shop.orders where id = any($1)',
      service: 'select order_id as id, message as text from orders.customer_order where order_id = any($1)',
    };
    const { rows } = await databases[owner].query<{ id: string; text: string | null }>(sql[owner], [
      orderIds,
    ]);
    const found = new Map(rows.map((row) => [Number(row.id), row.text]));
    return [...this.#acknowledged].flatMap(([id, text]) => {
      const now = found.get(id) ?? '(nothing)';
      if (now === text || this.#unknown.get(id)?.has(now)) return [];
      return [`order ${id}: its message is ${now}, a program past HTTP was told ${text}`];
    });
  }

  async #write(writer: number): Promise<void> {
    const dice = new Dice(writer + 1);
    const own = orderIds.filter((id) => id % writers === writer);
    const { signal } = this.#leaving;
    let client: pg.Client | undefined;
    for (let turn = 1; !signal.aborted; turn += 1) {
      const id = own[turn % own.length] ?? 1;
      client ??= await this.#connect();
      const fate = client ? await this.#transaction(client, id, `note ${writer}.${turn}`, dice) : 'refused';
      if (fate === 'unknown') client = undefined;
      await pause(fate === 'acknowledged' ? dice.between(50, 150) : 500, signal).catch(() => {});
    }
    await client?.end().catch(() => {});
  }

  /** While the database is down there is nobody to write to. */
  async #connect(): Promise<pg.Client | undefined> {
    const client = new pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: 2_000,
      application_name: 'past http',
    });
    client.on('error', () => {});
    return client.connect().then(
      () => client,
      () => undefined,
    );
  }

  async #transaction(
    client: pg.Client,
    id: number,
    text: string,
    dice: Dice,
  ): Promise<'acknowledged' | 'refused' | 'unknown'> {
    try {
      await client.query('begin isolation level repeatable read');
      await client.query('select count(*) from shop.orders where id = $1', [id]);
      await pause(dice.between(0, 60));
      await client.query('update shop.orders set gift_message = $2 where id = $1', [id, text]);
      await pause(dice.between(30, 120));
      await client.query('commit');
      this.#acknowledged.set(id, text);
      this.#unknown.delete(id);
      this.acknowledged += 1;
      return 'acknowledged';
    } catch (error) {
      // The database's own no leaves the connection usable; a lost connection may have committed.
      const refused = error instanceof pg.DatabaseError && error.severity === 'ERROR';
      if (refused && (await rolledBack(client))) {
        this.refused += 1;
        return 'refused';
      }
      this.#unknown.set(id, (this.#unknown.get(id) ?? new Set()).add(text));
      void client.end().catch(() => {});
      return 'unknown';
    }
  }
}

async function rolledBack(client: pg.Client): Promise<boolean> {
  return client.query('rollback').then(
    () => true,
    () => false,
  );
}
