import type { Sql } from '@strangler/postgres';
import { z } from 'zod';
import type { Side } from './names.ts';

/** A count of ownership transitions; comparable across both sides of one extraction. */
export type Epoch = bigint & { readonly __epoch: never };
export const epochOf = z.coerce
  .bigint()
  .nonnegative()
  .transform((value) => value as Epoch);

export const ownerStates = ['open', 'closing', 'closed'] as const;
export type OwnerState = (typeof ownerStates)[number];

/** The row of `strangler.ownership` of one side. */
export interface Ownership {
  readonly side: Side;
  readonly state: OwnerState;
  readonly epoch: Epoch;
  readonly term: Epoch;
  /** Of a `closing` row: ms until it lapses, by its database's clock at the time of reading; negative = lapsed. */
  readonly remainingMs: number | null;
}

const ownershipRow = z.object({
  side: z.enum(['monolith', 'service']),
  state: z.enum(ownerStates),
  epoch: epochOf,
  term: epochOf,
  remaining_ms: z.coerce.number().nullable(),
});

/** What `ownershipFrom` reads; for a statement that selects FROM strangler.ownership. */
export const ownershipColumns = `side, state, epoch, term,
  (extract(epoch FROM deadline - clock_timestamp()) * 1000)::bigint AS remaining_ms`;

/** Reads such a row, whether as texts or out of JSON. */
export function ownershipFrom(row: unknown): Ownership {
  const { remaining_ms, ...rest } = ownershipRow.parse(row);
  return { ...rest, remainingMs: remaining_ms };
}

/** This side's row, or undefined when the extraction (or the whole ledger) is not there. */
export async function readOwnership(sql: Sql, extraction: string): Promise<Ownership | undefined> {
  if (!(await ledgerExists(sql))) return undefined;
  const { rows } = await sql.query(
    `SELECT ${ownershipColumns} FROM strangler.ownership WHERE extraction = $1`,
    [extraction],
  );
  return rows[0] ? ownershipFrom(rows[0]) : undefined;
}

/** Whether this side may be written now: open, or closing and lapsed. */
export function isOpen(row: Ownership): boolean {
  return row.state === 'open' || (row.state === 'closing' && (row.remainingMs ?? 0) <= 0);
}

/** The side that owns, by the two rows: the one that isn't closed, the higher epoch if in doubt; none while both are closed. */
export function ownerOf(
  monolith: Ownership | undefined,
  service: Ownership | undefined,
): Ownership | undefined {
  const candidates = [monolith, service].filter((row) => row !== undefined && row.state !== 'closed');
  const [first, second] = candidates;
  if (first && second) return first.epoch > second.epoch ? first : second;
  return first;
}

export async function ledgerExists(sql: Sql): Promise<boolean> {
  const { rows } = await sql.query(`SELECT to_regclass('strangler.ownership') IS NOT NULL AS there`);
  return rows[0]?.['there'] === 't';
}

/**
 * Makes this side's row: the monolith begins open, the service closed at epoch 0. The first epoch is the time in
 * seconds, so that it is higher than any of an extraction that was cancelled before: clients may still hold tokens of it.
 */
export async function createOwnership(sql: Sql, extraction: string, side: Side): Promise<void> {
  await sql.query(
    `INSERT INTO strangler.ownership (extraction, side, lock_key, epoch, term, state)
     SELECT $1, $2, hashtext($1), first, first, $3
       FROM (SELECT CASE WHEN $2 = 'monolith' THEN extract(epoch FROM clock_timestamp())::bigint ELSE 0 END AS first) f
     ON CONFLICT (extraction) DO NOTHING`,
    [extraction, side, side === 'monolith' ? 'open' : 'closed'],
  );
}

/** SQLSTATEs that our functions raise. */
export const fenceSqlState = {
  fenced: 'SF001',
  unfenced: 'SF002',
  moved: 'SF003',
  late: 'SF004',
  prepared: 'SF005',
} as const;

/** Step 3. Polls politely for `politeMs`, then waits firmly for `waitMs`. Returns the fence's epoch. */
export async function beginClosing(
  sql: Sql,
  extraction: string,
  at: Epoch,
  options: { politeMs: number; waitMs: number; leaseMs: number; tables: readonly string[] },
): Promise<Epoch> {
  const { politeMs, waitMs, leaseMs, tables } = options;
  return await epochReturned(sql, 'SELECT strangler.begin_closing($1, $2, $3, $4, $5, $6) AS epoch', [
    extraction,
    at,
    politeMs,
    waitMs,
    leaseMs,
    [...tables],
  ]);
}

/** Step 5, the commit point. `sequences`: the name both sides know each sequence by → its qualified name here. */
export async function decide(
  sql: Sql,
  extraction: string,
  fence: Epoch,
  waitMs: number,
  sequences: Readonly<Record<string, string>>,
): Promise<Epoch> {
  return await epochReturned(sql, 'SELECT strangler.decide($1, $2, $3, $4) AS epoch', [
    extraction,
    fence,
    waitMs,
    JSON.stringify(sequences),
  ]);
}

/** Takes an undecided fence back. */
export async function reopen(sql: Sql, extraction: string, fence: Epoch, waitMs: number): Promise<Epoch> {
  return await epochReturned(sql, 'SELECT strangler.reopen($1, $2, $3) AS epoch', [
    extraction,
    fence,
    waitMs,
  ]);
}

/** Step 6: by the sink, inside the transaction that applies the decision. */
export async function openSide(sql: Sql, extraction: string, decided: Epoch): Promise<Epoch> {
  return await epochReturned(sql, 'SELECT strangler.open_side($1, $2) AS epoch', [extraction, decided]);
}

/** After a crash in doubt: waits for the lock, then reads. Never call it while the side is open. */
export async function settledOwnership(
  sql: Sql,
  extraction: string,
  waitMs: number,
): Promise<Ownership | undefined> {
  const { rows } = await sql.query(`SELECT ${ownershipColumns} FROM strangler.settled_ownership($1, $2)`, [
    extraction,
    waitMs,
  ]);
  return rows[0] ? ownershipFrom(rows[0]) : undefined;
}

async function epochReturned(sql: Sql, text: string, values: unknown[]): Promise<Epoch> {
  const { rows } = await sql.query(text, values);
  return epochOf.parse(rows[0]?.['epoch']);
}
