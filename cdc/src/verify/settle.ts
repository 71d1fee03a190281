import { isAbort, StranglerError, waitFor } from '@strangler/errors';
import {
  directionFrom,
  type Ownership,
  otherSide,
  ownerOf,
  readCheckpoint,
  readOwnership,
  type Side,
} from '@strangler/ledger';
import { type Lsn, parseLsn } from '@strangler/postgres';
import type { ComparedTable } from './compared-table.ts';
import type { Difference } from './result.ts';
import { type Key, rowsByKey, valuesByKey } from './statements.ts';
import { type BothSides, digestsByKey, keyName, run } from './suspects.ts';

export interface SettleOptions {
  readonly extraction: string;
  readonly signal: AbortSignal;
  /** How long to wait for the stream in each round. */
  readonly catchUpMs: number;
}

export interface Settled {
  readonly differences: readonly Difference[];
  readonly indeterminate: number;
}

/** A row counts as different when it was so in as many rounds in a row, unchanged on both sides meanwhile. */
const roundsToBelieve = 2;
const rounds = 12;
const keysPerStatement = 1_000;

/**
 * Reads suspect rows again, until each is alike or has stayed different: first the owner's rows and its position, then,
 * when the stream has applied that position, the copy's (traps 34 and 55). A row that the owner changes again and
 * again, or that the stream doesn't reach, stays indeterminate.
 */
export async function settle(
  table: ComparedTable,
  sides: BothSides,
  suspects: readonly Key[],
  options: SettleOptions,
): Promise<Settled> {
  let open = new Map<string, Suspect>(suspects.map((key) => [keyName(key), { key, seen: '', times: 0 }]));
  const differing: Suspect[] = [];
  let owner: Side = 'monolith';
  for (let round = 0; round < rounds && open.size > 0; round += 1) {
    options.signal.throwIfAborted();
    const known = await ownerNow(sides, options);
    if (known === undefined) break;
    owner = known;
    const keys = [...open.values()].map((each) => each.key);
    const owned = await digestsOf(table, sides, owner, keys);
    const position = await positionOf(sides, owner);
    if (!(await applied(sides, owner, position, options))) break;
    const copied = await digestsOf(table, sides, otherSide[owner], keys);
    const next = new Map<string, Suspect>();
    for (const [name, suspect] of open) {
      const [here, there] = [owned.get(name)?.digest, copied.get(name)?.digest];
      if (here === there) continue;
      const seen = `${owner} ${here} ${there}`;
      const times = seen === suspect.seen ? suspect.times + 1 : 1;
      const still = { key: suspect.key, seen, times };
      if (times >= roundsToBelieve) differing.push(still);
      else next.set(name, still);
    }
    open = next;
  }
  return {
    differences: await described(table, sides, owner, differing),
    indeterminate: open.size,
  };
}

interface Suspect {
  readonly key: Key;
  /** Owner and both digests at the last look. */
  readonly seen: string;
  /** For how many looks in a row. */
  readonly times: number;
}

/** The owner; during a switch nobody is for a moment. Undefined when it stays so. */
async function ownerNow(sides: BothSides, options: SettleOptions): Promise<Side | undefined> {
  return await unlessLate(
    waitFor(
      async () => {
        const rows: (Ownership | undefined)[] = await Promise.all([
          readOwnership(sides.monolith, options.extraction),
          readOwnership(sides.service, options.extraction),
        ]);
        return ownerOf(rows[0], rows[1])?.side;
      },
      { timeoutMs: options.catchUpMs, what: 'an owner', signal: options.signal },
    ),
  );
}

/** Whatever the owner's rows were when they were read lies before this. */
async function positionOf(sides: BothSides, owner: Side): Promise<Lsn> {
  const { rows } = await sides[owner].query('SELECT pg_current_wal_insert_lsn() AS position');
  return parseLsn(rows[0]?.['position'] ?? '');
}

async function applied(
  sides: BothSides,
  owner: Side,
  position: Lsn,
  options: SettleOptions,
): Promise<boolean> {
  const reached = await unlessLate(
    waitFor(
      async () => {
        const copy = sides[otherSide[owner]];
        const checkpoint = await readCheckpoint(copy, options.extraction, directionFrom[owner]);
        return checkpoint && checkpoint.applied >= position ? true : undefined;
      },
      { timeoutMs: options.catchUpMs, what: 'the stream', signal: options.signal },
    ),
  );
  return reached === true;
}

async function unlessLate<T>(wait: Promise<T>): Promise<T | undefined> {
  try {
    return await wait;
  } catch (error) {
    if (error instanceof StranglerError && error.code === 'DEADLINE' && !isAbort(error)) return undefined;
    throw error;
  }
}

async function digestsOf(table: ComparedTable, sides: BothSides, side: Side, keys: readonly Key[]) {
  const rows = [];
  for (let n = 0; n < keys.length; n += keysPerStatement) {
    rows.push(...(await run(sides[side], rowsByKey(table[side], keys.slice(n, n + keysPerStatement)))));
  }
  return digestsByKey(rows, table);
}

/** Which columns differ is looked up for the first rows only: a person reads no more. */
async function described(
  table: ComparedTable,
  sides: BothSides,
  owner: Side,
  differing: readonly Suspect[],
): Promise<Difference[]> {
  const shown = differing.slice(0, keysPerStatement).map((each) => each.key);
  const [owned, copied] = await Promise.all([
    valuesOf(table, sides, owner, shown),
    valuesOf(table, sides, otherSide[owner], shown),
  ]);
  return differing.map(({ key, seen }) => {
    const named = Object.fromEntries(table.keyNames.map((name, n) => [name, key[n] ?? '']));
    const [, here, there] = seen.split(' ');
    if (here === 'undefined') return { key: named, kind: 'extra' };
    if (there === 'undefined') return { key: named, kind: 'missing' };
    const [mine, theirs] = [owned.get(keyName(key)), copied.get(keyName(key))];
    const columns = table.columns.filter((_, n) => mine?.[`c${n}`] !== theirs?.[`c${n}`]);
    return { key: named, kind: 'different', ...(mine && theirs ? { columns } : {}) };
  });
}

async function valuesOf(table: ComparedTable, sides: BothSides, side: Side, keys: readonly Key[]) {
  if (keys.length === 0) return new Map<string, Record<string, string | null>>();
  const rows = await run(sides[side], valuesByKey(table[side], keys));
  return new Map(
    rows.map((row) => [keyName(table.keyNames.map((_, n) => row[`k${n}`] ?? '')), row] as const),
  );
}
