import type { Sql } from '@strangler/postgres';
import { z } from 'zod';

export const stages = ['planned', 'copying', 'following', 'switched', 'completed', 'lost'] as const;
/** Where an extraction is. `lost`: its slot was given up to protect the owner's disk. */
export type Stage = (typeof stages)[number];

export interface ExtractionRow {
  readonly stage: Stage;
  /** Routes sent home; `*` is all of them. */
  readonly homes: readonly string[];
  readonly configHash: string;
}

const row = z.object({ stage: z.enum(stages), homes: z.string(), config_hash: z.string() });

/** The extraction's row in the home ledger; undefined = never synced, which is `planned`. */
export async function readExtraction(home: Sql, name: string): Promise<ExtractionRow | undefined> {
  const { rows } = await home.query(
    `SELECT stage, to_json(homes)::text AS homes, config_hash FROM strangler.extraction WHERE name = $1`,
    [name],
  );
  if (!rows[0]) return undefined;
  const { stage, homes, config_hash } = row.parse(rows[0]);
  return { stage, homes: z.array(z.string()).parse(JSON.parse(homes)), configHash: config_hash };
}

export async function setStage(home: Sql, name: string, stage: Stage, configHash: string): Promise<void> {
  await home.query(
    `INSERT INTO strangler.extraction (name, stage, config_hash) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET stage = $2, config_hash = $3, updated_at = clock_timestamp()`,
    [name, stage, configHash],
  );
  await notifyLedger(home, name);
}

export async function setHomes(home: Sql, name: string, homes: readonly string[]): Promise<void> {
  await home.query(
    `UPDATE strangler.extraction SET homes = $2, updated_at = clock_timestamp() WHERE name = $1`,
    [name, [...homes]],
  );
  await notifyLedger(home, name);
}

/** Says that an extraction's slot was given up: its stage becomes `lost`. For the role `apply`, which may say no more. */
export async function giveUpExtraction(home: Sql, name: string, why: string): Promise<void> {
  await home.query('SELECT strangler.give_up($1, $2)', [name, why]);
}

/** Wakes facades and sinks: something about the extraction changed. */
export async function notifyLedger(sql: Sql, extraction: string): Promise<void> {
  await sql.query(
    `SELECT pg_notify('strangler', json_build_object('kind', 'ledger', 'extraction', $1::text)::text)`,
    [extraction],
  );
}
