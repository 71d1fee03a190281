import type { Config, Extraction } from '@strangler/config';
import { pause, StranglerError } from '@strangler/errors';
import { createOwnership, fenceTrigger, originName, publicationName, type Side } from '@strangler/ledger';
import { ident, literal, qualified, type Sql } from '@strangler/postgres';
import pg from 'pg';
import { publicationDrift } from './publication.ts';

/** What both databases need before the copy, in this order: ownership, fences, the stream's mark, the publication. */
export async function prepareSide(
  admin: pg.Client,
  config: Config,
  extraction: Extraction,
  side: Side,
  signal?: AbortSignal,
): Promise<void> {
  await refuseOtherTables(admin, config, extraction, side);
  await createOwnership(admin, extraction.name, side);
  for (const relation of await relationsToFence(admin, extraction, side)) {
    await fence(admin, extraction.name, relation, signal);
  }
  const arriving = originName(
    config.environment,
    extraction.name,
    side === 'service' ? 'forward' : 'reverse',
  );
  await admin.query(
    `SELECT pg_replication_origin_create($1) WHERE NOT EXISTS (SELECT FROM pg_replication_origin WHERE roname = $1)`,
    [arriving],
  );
  await publish(admin, config, extraction, side);
}

/** Before anything is fenced: a table that no copy has brought over must not become the other side's. */
async function refuseOtherTables(
  admin: pg.Client,
  config: Config,
  extraction: Extraction,
  side: Side,
): Promise<void> {
  const { name, tables } = extraction;
  const drift = await publicationDrift(
    admin,
    publicationName(config.environment, name),
    tables.map((table) => qualified(table[side])),
  );
  if (drift.length === 0) return;
  throw new StranglerError(
    'STAGE_WRONG',
    `The config names other tables of ${name} than the ${side} publishes: ${drift.join(', ')}.`,
    `Put the config back, or run \`strangler cancel ${name}\` and \`strangler sync ${name}\`: a new table has to be copied first.`,
  );
}

/** The tables, and every partition or child of theirs, as quoted names: a statement trigger fires only where it is. */
export async function relationsToFence(sql: Sql, extraction: Extraction, side: Side): Promise<string[]> {
  const { rows } = await sql.query(
    `WITH RECURSIVE relation (oid) AS (
       SELECT t::regclass::oid FROM unnest($1::text[]) t
       UNION SELECT i.inhrelid FROM pg_inherits i JOIN relation r ON i.inhparent = r.oid
     )
     SELECT format('%I.%I', n.nspname, c.relname) AS name
       FROM relation r JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1`,
    [extraction.tables.map((table) => qualified(table[side]))],
  );
  return rows.map((row) => row['name'] ?? '');
}

/** Installs the trigger, always on. */
async function fence(
  admin: pg.Client,
  extraction: string,
  relation: string,
  signal?: AbortSignal,
): Promise<void> {
  const key = await lockKey(admin, extraction);
  await withTableLock(admin, relation, signal, async () => {
    const { rows } = await admin.query(
      'SELECT tgenabled FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = $2',
      [relation, fenceTrigger],
    );
    if (rows[0]?.['tgenabled'] === 'A') return;
    await admin.query(`DROP TRIGGER IF EXISTS ${ident(fenceTrigger)} ON ${relation}`);
    await admin.query(
      `CREATE TRIGGER ${ident(fenceTrigger)} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${relation}
         FOR EACH STATEMENT EXECUTE FUNCTION strangler.fence(${literal(extraction)}, ${key})`,
    );
    await admin.query(`ALTER TABLE ${relation} ENABLE ALWAYS TRIGGER ${ident(fenceTrigger)}`);
  });
}

/** Takes the trigger away, if it is there. */
export async function unfence(admin: pg.Client, relation: string, signal?: AbortSignal): Promise<void> {
  await withTableLock(admin, relation, signal, async () => {
    await admin.query(`DROP TRIGGER IF EXISTS ${ident(fenceTrigger)} ON ${relation}`);
  });
}

/**
 * DDL on a table of a living shop: its lock waits for running writers and autovacuum, and queues others behind us.
 * Hence short waits, repeated (traps 43 and 44). @throws StranglerError FENCE_REFUSED after a minute.
 */
async function withTableLock(
  admin: pg.Client,
  relation: string,
  signal: AbortSignal | undefined,
  work: () => Promise<void>,
): Promise<void> {
  const end = performance.now() + 60_000;
  for (;;) {
    try {
      await admin.query('BEGIN');
      await admin.query(`SET LOCAL lock_timeout = '250ms'`);
      await work();
      await admin.query('COMMIT');
      return;
    } catch (error) {
      await admin.query('ROLLBACK');
      const busy = error instanceof pg.DatabaseError && error.code === '55P03';
      if (!busy) throw error;
      if (performance.now() > end) {
        throw new StranglerError(
          'FENCE_REFUSED',
          `${relation} was locked by others for a minute; its trigger could not be changed.`,
          'Look for long transactions in pg_stat_activity, then run the command again.',
          { cause: error },
        );
      }
      await pause(250, signal);
    }
  }
}

async function lockKey(sql: Sql, extraction: string): Promise<string> {
  const { rows } = await sql.query(
    `SELECT quote_literal(lock_key) AS key FROM strangler.ownership WHERE extraction = $1`,
    [extraction],
  );
  const key = rows[0]?.['key'];
  if (!key)
    throw new StranglerError(
      'LEDGER_MISSING',
      `There is no ownership row of ${extraction}.`,
      'Run `strangler setup`.',
    );
  return key;
}

/** Before the slot: pgoutput reads the catalogue as of the change (trap 36). */
async function publish(admin: pg.Client, config: Config, extraction: Extraction, side: Side): Promise<void> {
  const name = publicationName(config.environment, extraction.name);
  const { rows } = await admin.query(`SELECT 1 FROM pg_publication WHERE pubname = $1`, [name]);
  if (rows.length > 0) return;
  const tables = [...extraction.tables.map((table) => qualified(table[side])), 'strangler.ownership'];
  await admin.query(
    `CREATE PUBLICATION ${ident(name)} FOR TABLE ${tables.join(', ')} WITH (publish_via_partition_root = true)`,
  );
}
