import type { Sql } from '@strangler/postgres';
import { z } from 'zod';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { readExtraction, type Stage } from './extraction.ts';
import { type Epoch, epochOf, ledgerExists, type Ownership, readOwnership } from './ownership.ts';

/** A hold that a run asks for. */
export interface Hold {
  readonly run: string;
  /** It ends when a side is open at a later epoch than this. */
  readonly epoch: Epoch;
  /** Ms left, by the ledger's clock at the time of reading. */
  readonly remainingMs: number;
}

/** What the home ledger says about one extraction. */
export interface HomeView {
  readonly stage: Stage;
  readonly homes: readonly string[];
  /** Undefined before the first sync: nothing is fenced, the monolith owns. */
  readonly ownership: Ownership | undefined;
  readonly hold: Hold | undefined;
  /** The stream that arrives in the monolith. */
  readonly reverse: Checkpoint | undefined;
}

/** What the service's database says. */
export interface ServiceView {
  readonly ownership: Ownership | undefined;
  /** The stream that arrives in the service. */
  readonly forward: Checkpoint | undefined;
}

const holdRow = z.object({ id: z.string(), hold_epoch: epochOf, remaining_ms: z.coerce.number() });

export async function readHomeView(home: Sql, extraction: string): Promise<HomeView> {
  const planned: HomeView = {
    stage: 'planned',
    homes: [],
    ownership: undefined,
    hold: undefined,
    reverse: undefined,
  };
  if (!(await ledgerExists(home))) return planned;
  const row = await readExtraction(home, extraction);
  if (!row) return planned;
  const { rows } = await home.query(
    `SELECT id, hold_epoch, (extract(epoch FROM hold_until - clock_timestamp()) * 1000)::bigint AS remaining_ms
       FROM strangler.run WHERE extraction = $1 AND outcome IS NULL AND hold_until > clock_timestamp()`,
    [extraction],
  );
  const held = rows[0] ? holdRow.parse(rows[0]) : undefined;
  return {
    stage: row.stage,
    homes: row.homes,
    ownership: await readOwnership(home, extraction),
    hold: held ? { run: held.id, epoch: held.hold_epoch, remainingMs: held.remaining_ms } : undefined,
    reverse: await readCheckpoint(home, extraction, 'reverse'),
  };
}

export async function readServiceView(service: Sql, extraction: string): Promise<ServiceView> {
  if (!(await ledgerExists(service))) return { ownership: undefined, forward: undefined };
  return {
    ownership: await readOwnership(service, extraction),
    forward: await readCheckpoint(service, extraction, 'forward'),
  };
}
