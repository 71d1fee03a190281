import type { Config, Extraction } from '@strangler/config';
import { pause, StranglerError } from '@strangler/errors';
import {
  type Checkpoint,
  checkEnvironment,
  type Direction,
  originName,
  readCheckpoint,
  type Side,
  sourceOf,
  stopStream,
  takeLease,
  targetOf,
} from '@strangler/ledger';
import { connect } from '@strangler/postgres';
import pg from 'pg';
import { applyFailure } from '../apply/index.ts';
import { readCatalog } from '../catalog/index.ts';
import { resolvePlan, schemasOf, type TablePlan, tablesOf } from '../plan/index.ts';
import { checkSlot, checkSlotThere, freeSlot } from '../source/index.ts';

export interface StreamName {
  readonly config: Config;
  readonly extraction: Extraction;
  readonly direction: Direction;
}

/** What a stream works with once it may. */
export interface Session {
  /** Role `source`, for questions; the stream itself has a connection of its own. */
  readonly source: pg.Client;
  /** Role `apply`, prepared: replica role, origin, search path. */
  readonly target: pg.Client;
  readonly plans: readonly TablePlan[];
  readonly lease: bigint;
  readonly checkpoint: Checkpoint;
  /** How old the copy was when we came: its lag then, and the time since. */
  readonly behindMs: number;
  close(): Promise<void>;
}

/** A side's database. */
export function databaseOf({ config, extraction }: StreamName, side: Side): string {
  return side === 'monolith' ? config.monolith.database : extraction.service.database;
}

/**
 * Takes the stream over from whoever had it, and checks that it can go on.
 * @throws StranglerError ENVIRONMENT_MISMATCH, LEDGER_MISSING, SLOT_LOST, TARGET_BEHIND_SLOT, or what a connection throws.
 */
export async function openSession(stream: StreamName, holder: string, signal: AbortSignal): Promise<Session> {
  const name = `${stream.direction} ${stream.extraction.name}`;
  const [sourceSide, targetSide] = [sourceOf[stream.direction], targetOf[stream.direction]];
  const source = await connect({ url: databaseOf(stream, sourceSide), role: 'source', name });
  const closing: pg.Client[] = [source];
  const close = async () => {
    await Promise.all(closing.map((client) => client.end().catch(() => {})));
  };
  try {
    const target = await connect({
      url: databaseOf(stream, targetSide),
      role: 'apply',
      name,
      searchPath: schemasOf(stream.extraction, targetSide),
      // Rows are found by their keys, also before the tables were ever analysed.
      settings: { synchronous_commit: 'on', lock_timeout: '10s', enable_seqscan: 'off' },
    });
    closing.push(target);
    await checkEnvironment(source, stream.config.environment, sourceSide);
    await checkEnvironment(target, stream.config.environment, targetSide);
    const before = await readCheckpoint(target, stream.extraction.name, stream.direction);
    if (!before) throw neverCopied(stream);
    const lease = await takeLease(target, stream.extraction.name, stream.direction, holder);
    const { checkpoint, plans } = await prepare(stream, { source, target, signal }).catch(
      async (error: unknown) => {
        const failure = applyFailure(error, `the ${targetSide}'s database`);
        const { extraction, direction } = stream;
        await stopStream(target, { extraction: extraction.name, direction, lease }, failure.message);
        throw failure;
      },
    );
    return { source, target, plans, lease, checkpoint, behindMs: before.lagMs + before.ageMs, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Everything between the lease and the first change. */
async function prepare(
  stream: StreamName,
  { source, target, signal }: { source: pg.Client; target: pg.Client; signal: AbortSignal },
): Promise<{ checkpoint: Checkpoint; plans: readonly TablePlan[] }> {
  await prepareTarget(target, stream, signal);
  const checkpoint = await readCheckpoint(target, stream.extraction.name, stream.direction);
  if (!checkpoint) throw neverCopied(stream);
  if (checkpoint.engine === 'embedded') {
    await freeSlot(source, checkpoint.slot, signal);
    await checkSlot(source, checkpoint.slot, checkpoint.applied);
  } else await checkSlotThere(source, checkpoint.slot);
  return { checkpoint, plans: await plansOf(stream, source, target) };
}

async function plansOf(stream: StreamName, source: pg.Client, target: pg.Client): Promise<TablePlan[]> {
  const { direction, extraction } = stream;
  const [monolith, service] = direction === 'forward' ? [source, target] : [target, source];
  return resolvePlan(direction, extraction, {
    monolith: await readCatalog(monolith, tablesOf(extraction, 'monolith')),
    service: await readCatalog(service, tablesOf(extraction, 'service')),
  });
}

/** Rows that we apply fire no triggers but ALWAYS ones (trap 29), and carry our origin (trap 51). */
async function prepareTarget(target: pg.Client, stream: StreamName, signal: AbortSignal): Promise<void> {
  await target.query('SET session_replication_role = replica');
  const origin = originName(stream.config.environment, stream.extraction.name, stream.direction);
  for (let tries = 1; ; tries += 1) {
    try {
      await target.query('SELECT pg_replication_origin_session_setup($1)', [origin]);
      return;
    } catch (error) {
      // The sink that we took over from is on its way out.
      if (!(error instanceof pg.DatabaseError) || error.code !== '55006' || tries === 100) throw error;
      await pause(50, signal);
    }
  }
}

function neverCopied({ extraction, direction }: StreamName): StranglerError {
  return new StranglerError(
    'STREAM_STOPPED',
    `The ${direction} stream of ${extraction.name} has no checkpoint: nothing was copied.`,
    'Run `strangler sync`.',
  );
}
