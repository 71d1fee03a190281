import { pause, waitFor } from '@strangler/errors';
import type { Grown } from '@strangler/grown';
import { expect } from 'vitest';
import { caughtUp, copyAll } from './follow.ts';
import { makeSides, type Sides } from './sides.ts';

const tables = `
  CREATE TABLE counter (id int PRIMARY KEY, n bigint NOT NULL);
  CREATE TABLE entry (id int, n bigint, PRIMARY KEY (id, n));
  CREATE TABLE bulk (id int PRIMARY KEY, v text);`;
/** So many rows that a transaction of them lies in the topic in several pieces. */
export const bulkRows = 40_000;
const monolithSql = `${tables} INSERT INTO counter SELECT id, 0 FROM generate_series(1, 4) id;
  INSERT INTO bulk SELECT n, 'v' || n FROM generate_series(1, ${bulkRows}) n;`;
/** The target writes down what is done to it, in order, and in which of its own transactions. */
const serviceSql = `${tables}
  CREATE TABLE seen (at bigserial PRIMARY KEY, tx xid8 NOT NULL DEFAULT pg_current_xact_id(), what text, id int, n bigint);
  CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
    $$ BEGIN INSERT INTO seen (what, id, n) VALUES (TG_TABLE_NAME, NEW.id, NEW.n); RETURN NULL; END $$;
  CREATE TRIGGER see AFTER INSERT OR UPDATE ON counter FOR EACH ROW EXECUTE FUNCTION see();
  CREATE TRIGGER see AFTER INSERT OR UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION see();
  ALTER TABLE counter ENABLE ALWAYS TRIGGER see;
  ALTER TABLE entry ENABLE ALWAYS TRIGGER see;`;

/** Copied databases whose target can tell what was applied twice, out of order or in halves. */
export async function tracedSides(grown: Grown): Promise<Sides> {
  const sides = await makeSides({
    monolith: monolithSql,
    service: serviceSql,
    tables: { counter: { to: 'counter' }, entry: { to: 'entry' }, bulk: { to: 'bulk' } },
    grown: { kafka: [...grown.brokers], connect: grown.connectUrl },
  });
  await copyAll(sides);
  return sides;
}

/** Counts one further and writes that down in the other table, in one transaction. */
export async function step(sides: Sides, id = 1): Promise<void> {
  await sides.monolith.query(
    `WITH c AS (UPDATE counter SET n = n + 1 WHERE id = $1 RETURNING id, n) INSERT INTO entry SELECT id, n FROM c`,
    [id],
  );
}

export interface Writers {
  /** Resolves when so many further transactions are committed. */
  more(count: number): Promise<void>;
  /** Ends them. @throws what the first of them died of */
  stop(): Promise<void>;
}

const writers = 2;
/** Between two transactions of a writer: a shop's pace, not a flood. */
const everyMs = 10;

/** Writers with counters of their own, until they are stopped. */
export function startWriters(sides: Sides): Writers {
  const end = new AbortController();
  let committed = 0;
  const write = async (first: number) => {
    for (let turn = 0; !end.signal.aborted; turn += 1) {
      await step(sides, first + (turn % 2));
      committed += 1;
      await pause(everyMs, end.signal).catch(() => {});
    }
  };
  const all = Promise.all(Array.from({ length: writers }, (_, writer) => write(1 + 2 * writer)));
  all.catch(() => end.abort());
  return {
    more: async (count) => {
      const until = committed + count;
      await waitFor(() => (committed >= until || end.signal.aborted ? true : undefined), {
        timeoutMs: 20_000,
        what: `${count} more transactions of the writers`,
      });
    },
    stop: async () => {
      end.abort();
      await all;
    },
  };
}

/** Everything arrived, once, in order, and whole transactions only. */
export async function expectOnce(sides: Sides, timeoutMs = 60_000): Promise<void> {
  await caughtUp(sides, 'forward', timeoutMs);
  await expectEqual(sides);
  await expectTraced(sides);
}

export async function expectEqual(sides: Sides): Promise<void> {
  const rows = `SELECT 'counter' AS what, id, count(*), max(n)::text AS last FROM counter GROUP BY id
    UNION ALL SELECT 'entry', id, count(*), md5(string_agg(n::text, ',' ORDER BY n)) FROM entry GROUP BY id
    UNION ALL SELECT 'bulk', 0, count(*), md5(string_agg(id || v, ',' ORDER BY id)) FROM bulk ORDER BY 1, 2`;
  expect(await sides.service.query(rows)).toEqual(await sides.monolith.query(rows));
}

/**
 * Of what has arrived, nothing came twice, too early or in halves. Within one target transaction a counter may have
 * passed over values that nobody could see; each of its entries is there.
 */
export async function expectTraced(sides: Sides): Promise<void> {
  const disorder = `SELECT * FROM
    (SELECT at, what, id, n, n - lag(n) OVER (PARTITION BY what, id ORDER BY at) AS step FROM seen) s
    WHERE step < 1 OR (what = 'entry' AND step > 1)`;
  expect(await sides.service.query(disorder)).toEqual([]);
  const halves = `SELECT tx, id FROM seen WHERE n > 0 GROUP BY tx, id
    HAVING max(n) FILTER (WHERE what = 'counter') IS DISTINCT FROM max(n) FILTER (WHERE what = 'entry')`;
  expect(await sides.service.query(halves)).toEqual([]);
}

/** How far the target is: the sum of its counters. */
export async function arrived(sides: Sides): Promise<number> {
  const [row] = await sides.service.query<{ n: number }>('SELECT sum(n)::int AS n FROM counter');
  return row?.n ?? 0;
}
