import { readCatalog, resolvePlan, type TablePlan } from '@strangler/cdc';
import type { Config, Extraction } from '@strangler/config';
import {
  type Checkpoint,
  directionFrom,
  type FacadeState,
  type Ownership,
  openViolations,
  otherDirection,
  otherSide,
  publicationName,
  readCheckpoint,
  readExtraction,
  readFacades,
  readOwnership,
  type Side,
  type Stage,
  targetOf,
} from '@strangler/ledger';
import { qualified, type Sql } from '@strangler/postgres';
import type { Databases } from '../databases.ts';
import { publicationDrift } from '../sync/publication.ts';

/** Everything that the gates of a switch look at, read once. */
export interface Observed {
  readonly to: Side;
  readonly stage: Stage;
  readonly monolith: Ownership | undefined;
  readonly service: Ownership | undefined;
  /** The stream that will carry the decision, and its opposite. */
  readonly carrying: Checkpoint | undefined;
  readonly opposite: Checkpoint | undefined;
  readonly unfenced: readonly string[];
  /** Tables that the config names and the streams don't carry, or the other way round. */
  readonly unfollowed: readonly string[];
  readonly prepared: readonly string[];
  readonly subscribed: readonly string[];
  readonly violations: number;
  readonly facades: readonly FacadeState[];
  /** The last verification since the last switch: its verdict and age in ms. */
  readonly verified: { readonly verdict: string; readonly ageMs: number } | undefined;
  readonly cascades: readonly string[];
  readonly standbys: string;
  readonly plan: readonly TablePlan[];
}

/** Reads what the gates need. `to`: the side that is to own. */
export async function observe(
  config: Config,
  extraction: Extraction,
  databases: Databases,
  to: Side,
): Promise<Observed> {
  const from = otherSide[to];
  const direction = directionFrom[from];
  const name = extraction.name;
  const tables = {
    monolith: extraction.tables.map((t) => qualified(t.monolith)),
    service: extraction.tables.map((t) => qualified(t.service)),
  };
  const old = databases[from];
  const publication = publicationName(config.environment, name);
  return {
    to,
    stage: (await readExtraction(databases.monolith, name))?.stage ?? 'planned',
    monolith: await readOwnership(databases.monolith, name),
    service: await readOwnership(databases.service, name),
    carrying: await readCheckpoint(databases[targetOf[direction]], name, direction),
    opposite: await readCheckpoint(databases[from], name, otherDirection[direction]),
    unfenced: [
      ...(await column(databases.monolith, `SELECT strangler.unfenced($1::text[]::regclass[], $2)::text`, [
        tables.monolith,
        name,
      ])),
      ...(await column(databases.service, `SELECT strangler.unfenced($1::text[]::regclass[], $2)::text`, [
        tables.service,
        name,
      ])),
    ],
    unfollowed: [
      ...(await publicationDrift(databases.monolith, publication, tables.monolith)),
      ...(await publicationDrift(databases.service, publication, tables.service)),
    ],
    prepared: await column(old, `SELECT gid FROM pg_prepared_xacts WHERE database = current_database()`),
    subscribed: [
      ...(await column(databases.monolith, subscribedSql, [tables.monolith])),
      ...(await column(databases.service, subscribedSql, [tables.service])),
    ],
    violations:
      (await openViolations(databases.monolith, name)) + (await openViolations(databases.service, name)),
    facades: await readFacades(databases.monolith, name),
    verified: await lastVerification(databases.monolith, name),
    cascades: await column(old, cascadesSql, [tables[from]]),
    standbys: (await column(old, `SELECT current_setting('synchronous_standby_names')`))[0] ?? '',
    plan: resolvePlan(direction, extraction, {
      monolith: await readCatalog(
        databases.monolith,
        extraction.tables.map((table) => table.monolith),
      ),
      service: await readCatalog(
        databases.service,
        extraction.tables.map((table) => table.service),
      ),
    }),
  };
}

const subscribedSql = `SELECT srrelid::regclass::text FROM pg_subscription_rel WHERE srrelid = ANY ($1::text[]::regclass[])`;

/** Deletes of rows in tables that stay, which reach the fence as a statement. */
const cascadesSql = `
  SELECT format('%s → %s', confrelid::regclass, conrelid::regclass) FROM pg_constraint
   WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd')
     AND conrelid = ANY ($1::text[]::regclass[]) AND confrelid <> ALL ($1::text[]::regclass[])`;

async function column(sql: Sql, text: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await sql.query(text, values);
  return rows.flatMap((row) => Object.values(row)).filter((value) => value !== null);
}

async function lastVerification(home: Sql, extraction: string): Promise<Observed['verified']> {
  const { rows } = await home.query(
    `SELECT detail ->> 'verdict' AS verdict, (extract(epoch FROM clock_timestamp() - at) * 1000)::bigint AS age_ms
       FROM strangler.event
      WHERE extraction = $1 AND what = 'verify'
        AND at > coalesce((SELECT max(at) FROM strangler.event WHERE extraction = $1 AND what IN ('sync', 'switched')), '-infinity')
      ORDER BY id DESC LIMIT 1`,
    [extraction],
  );
  const row = rows[0];
  return row ? { verdict: row['verdict'] ?? '', ageMs: Number(row['age_ms']) } : undefined;
}
