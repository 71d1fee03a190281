import type { Config, Extraction } from '@strangler/config';
import { messageOf, StranglerError } from '@strangler/errors';
import {
  createCheckpoint,
  type Ownership,
  publicationName,
  readCheckpoint,
  readOwnership,
  slotName,
} from '@strangler/ledger';
import { type ConnectOptions, connect, type Lsn } from '@strangler/postgres';
import type pg from 'pg';
import { readCatalog } from '../catalog/index.ts';
import { withConnection } from '../connection.ts';
import { resolvePlan, schemasOf, type TablePlan, tablesOf } from '../plan/index.ts';
import { exportSlot, failedCopy, removeSlot, requirePublication, slotExists } from './slot.ts';
import { type CopyProgress, TableCounts } from './table-counts.ts';
import { deleteRows, endFormerCopies, filledTables, notEmpty } from './target-rows.ts';
import { copyTasks } from './task.ts';
import { runTasks, type Worker } from './workers.ts';

export interface CopyOptions {
  readonly config: Config;
  readonly extraction: Extraction;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Tells for whom PostgreSQL waits before it makes the slot. */
  readonly onWait?: (blockers: string) => void;
  /** Connections to each database; 4 by default. */
  readonly workers?: number;
  /** Tables larger than so many pages are shared out; 64 MB by default. */
  readonly pagesPerTask?: number;
  /** How long the slot may wait for transactions of others; 30 s by default. */
  readonly slotTimeoutMs?: number;
  /** How long a copy may stand still before it is given up; 60 s by default. */
  readonly stallMs?: number;
}

export interface CopyResult {
  readonly slot: string;
  readonly consistentPoint: Lsn;
  /** By the monolith's table; empty when an earlier copy was complete already. */
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
}

/**
 * Copies the extraction's tables from the monolith to the service under the snapshot of the slot that the forward
 * stream will follow, and writes that stream's checkpoint at the end. The publication, the fences and the ownership
 * rows are there already. A copy that was interrupted (its slot is there, no checkpoint) starts again from nothing; one
 * that was complete is left alone.
 * @throws StranglerError TARGET_NOT_EMPTY, COPY_FAILED, SLOT_LOST, DEADLINE, CONFIG_INVALID, CHECK_FAILED.
 */
export async function copyTables(options: CopyOptions): Promise<CopyResult> {
  const { config, extraction } = options;
  const slot = slotName(config.environment, extraction.name, 'forward');
  const sides = connections(config, extraction);
  return await withConnection(sides.source, async (source) => {
    const plans = await withConnection(sides.target, async (target) => {
      const before = await completed(source, target, extraction, slot);
      if (before) return before;
      const resolved = await planOf(source, target, extraction);
      await requirePublication(source, publicationName(config.environment, extraction.name));
      await makeRoom(source, target, resolved, slot);
      return resolved;
    });
    if (!Array.isArray(plans)) return plans;
    try {
      return await copyUnderSnapshot(options, sides, source, plans, slot);
    } catch (error) {
      const left = await undo(source, sides.target, plans, slot);
      options.signal.throwIfAborted();
      throw failedCopy(error, left);
    }
  });
}

/** Deletes all rows of the service's tables, as `cancel` may be asked to. Only while the service doesn't own them. */
export async function emptyService(config: Config, extraction: Extraction): Promise<void> {
  const tables = extraction.tables.map((each) => ({ target: each.service }));
  await withConnection(connections(config, extraction).target, async (target) => deleteRows(target, tables));
}

interface Sides {
  readonly source: ConnectOptions;
  readonly target: ConnectOptions;
}

function connections(config: Config, extraction: Extraction): Sides {
  return {
    source: {
      url: config.monolith.database,
      role: 'source',
      name: `copy ${extraction.name}`,
      searchPath: schemasOf(extraction, 'monolith'),
      settings: { idle_in_transaction_session_timeout: '0' },
    },
    target: {
      url: extraction.service.database,
      role: 'apply',
      name: `copy ${extraction.name}`,
      searchPath: schemasOf(extraction, 'service'),
      settings: {
        // No trigger of the application, no foreign key: rows arrive in any order (trap 29). The checkpoint, which
        // makes the copy count, is committed with synchronous_commit on, after all of it.
        session_replication_role: 'replica',
        synchronous_commit: 'off',
        idle_in_transaction_session_timeout: '0',
      },
    },
  };
}

async function completed(
  source: pg.Client,
  target: pg.Client,
  extraction: Extraction,
  slot: string,
): Promise<CopyResult | undefined> {
  const checkpoint = await readCheckpoint(target, extraction.name, 'forward');
  if (!checkpoint) return undefined;
  if (await slotExists(source, slot)) return { slot, consistentPoint: checkpoint.applied, tables: [] };
  throw new StranglerError(
    'SLOT_LOST',
    `The copy of ${extraction.name} is complete but its slot ${slot} is gone: changes since then are missing.`,
    `Run \`strangler cancel ${extraction.name}\`, then \`strangler sync ${extraction.name}\`.`,
  );
}

async function planOf(source: pg.Client, target: pg.Client, extraction: Extraction): Promise<TablePlan[]> {
  const catalogs = {
    monolith: await readCatalog(source, tablesOf(extraction, 'monolith')),
    service: await readCatalog(target, tablesOf(extraction, 'service')),
  };
  resolvePlan('reverse', extraction, catalogs);
  return resolvePlan('forward', extraction, catalogs);
}

/** Rows beside a slot without a checkpoint are an interrupted copy's: ours to delete. Others are somebody's. */
async function makeRoom(
  source: pg.Client,
  target: pg.Client,
  plans: readonly TablePlan[],
  slot: string,
): Promise<void> {
  await endFormerCopies(target);
  const interrupted = await slotExists(source, slot);
  const filled = await filledTables(target, plans);
  if (filled.length > 0 && !interrupted) throw notEmpty(filled);
  // First the rows, then the slot: it is what says that the rows are ours.
  if (filled.length > 0) await deleteRows(target, plans);
  if (interrupted) await removeSlot(source, slot);
}

/** Takes back what was copied. Why it could not, if so: then the slot is still there, and the next copy does it. */
async function undo(
  source: pg.Client,
  into: ConnectOptions,
  plans: readonly TablePlan[],
  slot: string,
): Promise<string | undefined> {
  try {
    await withConnection(into, async (target) => {
      await endFormerCopies(target);
      await deleteRows(target, plans);
    });
    await removeSlot(source, slot);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function copyUnderSnapshot(
  options: CopyOptions,
  sides: Sides,
  source: pg.Client,
  plans: readonly TablePlan[],
  slot: string,
): Promise<CopyResult> {
  const { extraction, signal } = options;
  const counts = new TableCounts(plans, options.onProgress ?? (() => {}));
  const exported = await exportSlot(sides.source, slot, {
    watch: source,
    timeoutMs: options.slotTimeoutMs ?? 30_000,
    onWait: options.onWait ?? (() => {}),
    signal,
  });
  const workers: Worker[] = [];
  try {
    const catalog = await readCatalog(
      source,
      plans.map((each) => each.source),
    );
    const tasks = await copyTasks(source, plans, catalog, options.pagesPerTask);
    counts.expect(catalog);
    for (let n = 0; n < Math.min(options.workers ?? 4, tasks.length); n += 1) {
      workers.push(await openWorker(sides, exported.snapshot));
    }
    const ownership = await ownershipThen(workers[0]?.source ?? source, extraction);
    await runTasks(workers, tasks, { signal, stallMs: options.stallMs ?? 60_000, counts });
    await writeCheckpoint(extraction, slot, exported.consistentPoint, ownership);
  } finally {
    await Promise.all(workers.flatMap((each) => [each.source.end(), each.target.end()]));
    await exported.close();
  }
  return { slot, consistentPoint: exported.consistentPoint, tables: counts.totals() };
}

async function openWorker(sides: Sides, snapshot: string): Promise<Worker> {
  const source = await connect(sides.source);
  try {
    await source.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await source.query(`SET TRANSACTION SNAPSHOT '${snapshot}'`);
    return { source, target: await connect(sides.target) };
  } catch (error) {
    await source.end();
    throw error;
  }
}

/** Ownership of the monolith as the snapshot sees it: what the stream has to count on from. */
async function ownershipThen(snapshot: pg.Client, extraction: Extraction): Promise<Ownership> {
  const row = await readOwnership(snapshot, extraction.name);
  if (row) return row;
  throw new StranglerError(
    'LEDGER_MISSING',
    `The monolith's ledger has no ownership of ${extraction.name}.`,
    'Run `strangler setup`, then `strangler sync` again.',
  );
}

async function writeCheckpoint(
  extraction: Extraction,
  slot: string,
  applied: Lsn,
  ownership: Ownership,
): Promise<void> {
  const options: ConnectOptions = {
    url: extraction.service.database,
    role: 'admin',
    name: `copy ${extraction.name}`,
    settings: { synchronous_commit: 'on' },
  };
  await withConnection(options, async (admin) =>
    createCheckpoint(admin, extraction.name, {
      direction: 'forward',
      slot,
      applied,
      sourceEpoch: ownership.epoch,
      sourceState: ownership.state,
    }),
  );
}
