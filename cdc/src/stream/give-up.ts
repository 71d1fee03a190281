import { StranglerError } from '@strangler/errors';
import { giveUpExtraction } from '@strangler/ledger';
import { connect, type Sql } from '@strangler/postgres';
import { freeSlot, type SlotHealth } from '../source/index.ts';
import { databaseOf, type StreamName } from './session.ts';

/** Shares of the WAL budget at which a person is told. */
const warnShares = [90, 75, 50] as const;

/** The highest share, in percent, that the slot has reached; 0 below the first. */
export function warnedShare(health: SlotHealth, budgetBytes: bigint): number {
  const percent = Number((health.retainedBytes * 100n) / budgetBytes);
  return percent >= 100 ? 100 : (warnShares.find((share) => percent >= share) ?? 0);
}

/** The slot keeps more than its budget: signals that the extraction must be given up. */
export class OverBudget extends Error {
  readonly health: SlotHealth;

  constructor(health: SlotHealth) {
    super('the slot keeps more than its budget');
    this.health = health;
  }
}

/**
 * Protects the owner's disk (invariant 11): drops the slot and marks the extraction lost.
 * @returns the error that the stream ends with, SLOT_LOST.
 */
export async function giveUp(stream: StreamName, source: Sql, over: OverBudget): Promise<StranglerError> {
  const { slot, retainedBytes } = over.health;
  const budget = stream.extraction.limits.walBytes;
  const fact = `The slot ${slot} kept ${retainedBytes} bytes of WAL, its budget is ${budget}: it was dropped to protect the owner's disk.`;
  await freeSlot(source, slot, AbortSignal.timeout(10_000));
  await source.query('SELECT pg_drop_replication_slot($1)', [slot]);
  const home = await connect({ url: databaseOf(stream, 'monolith'), role: 'apply', name: 'give up' });
  try {
    await giveUpExtraction(home, stream.extraction.name, fact);
  } finally {
    await home.end();
  }
  return new StranglerError(
    'SLOT_LOST',
    fact,
    `Find out why the stream was slow or stopped, or raise limits.wal; then \`strangler cancel ${stream.extraction.name}\` and \`strangler sync ${stream.extraction.name}\` start again.`,
  );
}
