import { hostname } from 'node:os';
import type { Config, Extraction } from '@strangler/config';
import { isAbort, pause, StranglerError } from '@strangler/errors';
import {
  type Checkpoint,
  checkEnvironment,
  type Direction,
  isCarried,
  ledgerExists,
  readCheckpoint,
  readExtraction,
  targetOf,
} from '@strangler/ledger';
import { connect, SqlPool } from '@strangler/postgres';
import type { Logger } from 'pino';
import { runStream } from './run.ts';
import { databaseOf, type StreamName } from './session.ts';
import { guardBudget } from './wal-budget.ts';

export interface ServeOptions {
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

const pollMs = 300;
const standbyMs = 500;
const backoffMs = { first: 200, most: 5_000 };
/** A sink stands by until the one that carries the stream has gone, or has been silent for so long. */
const silentMs = 5_000;

/** Errors that starting again does not cure. */
const lasting = new Set([
  'SLOT_LOST',
  'TARGET_BEHIND_SLOT',
  'ROW_MISSING',
  'STREAM_STOPPED',
  'ENVIRONMENT_MISMATCH',
  'CONFIG_INVALID',
  'CHECK_FAILED',
  'USAGE',
]);

/**
 * Runs both streams of every extraction that is followed or switched, until the signal aborts.
 * @throws StranglerError ENVIRONMENT_MISMATCH or LEDGER_MISSING at the start.
 */
export async function serveStreams({ config, signal, log }: ServeOptions): Promise<void> {
  const home = new SqlPool({ url: config.monolith.database, role: 'apply', name: 'cdc', max: 2 });
  const holder = `${hostname()}:${process.pid}`;
  const running = new Map<string, Running>();
  try {
    await reached(() => checkEnvironment(home, config.environment, 'monolith'), log, signal);
    for (const extraction of config.extractions) await refuseWrongService(config, extraction);
    process.stdout.write('{"ready":true}\n');
    while (!signal.aborted) {
      await Promise.all(
        config.extractions.map(async (extraction) => {
          const wanted = await isFollowed(home, extraction.name).catch((error: unknown) => {
            log.warn({ extraction: extraction.name, error: String(error) }, 'cannot read the ledger');
            return undefined;
          });
          if (wanted !== undefined) await adjust(running, extraction, wanted, { config, log, holder });
        }),
      );
      await pause(pollMs, signal).catch(() => {});
    }
  } catch (error) {
    if (!signal.aborted || !isAbort(error)) throw error;
  } finally {
    await Promise.all([...running.values()].map((each) => each.end()));
    await home.end();
  }
}

interface Running {
  end(): Promise<void>;
}

interface Surroundings {
  readonly config: Config;
  readonly log: Logger;
  readonly holder: string;
}

/** Starts or ends an extraction's streams. */
async function adjust(
  running: Map<string, Running>,
  extraction: Extraction,
  wanted: boolean,
  surroundings: Surroundings,
): Promise<void> {
  const present = running.get(extraction.name);
  if (wanted && !present) running.set(extraction.name, start(extraction, surroundings));
  if (!wanted && present) {
    await present.end();
    running.delete(extraction.name);
  }
}

function start(extraction: Extraction, surroundings: Surroundings): Running {
  const stop = new AbortController();
  const directions = ['forward', 'reverse'] as const satisfies Direction[];
  const streams = directions.flatMap((direction) => [
    supervise(extraction, direction, surroundings, stop.signal),
    guardBudget({ config: surroundings.config, extraction, direction }, surroundings.log, stop.signal),
  ]);
  return {
    end: async () => {
      stop.abort();
      await Promise.all(streams);
    },
  };
}

/** Keeps one stream going until the signal aborts. One that has failed for good waits for a new copy. */
async function supervise(
  extraction: Extraction,
  direction: Direction,
  { config, log, holder }: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  const stream = { config, extraction, direction };
  let waitMs = backoffMs.first;
  while (!signal.aborted) {
    await standBy(stream, log, signal);
    const startedAt = performance.now();
    try {
      await runStream({ ...stream, signal, log, holder });
    } catch (error) {
      if (signal.aborted) return;
      const failure = error instanceof StranglerError ? error : unexpected(error);
      const detail = { extraction: extraction.name, direction, code: failure.code, fact: failure.fact };
      if (lasting.has(failure.code)) {
        log.error({ ...detail, remedy: failure.remedy }, 'the stream has stopped for good');
        await untilCheckpoint(stream, (found) => found.lease === 0n, signal);
        continue;
      }
      log.warn(detail, 'the stream was interrupted');
      if (performance.now() - startedAt > 10 * backoffMs.most) waitMs = backoffMs.first;
      await pause(waitMs, signal).catch(() => {});
      waitMs = Math.min(waitMs * 2, backoffMs.most);
    }
  }
}

/**
 * Leaves the stream to another sink that carries it: two that took it from each other in turn would both be of no use.
 * Resolves when it is free, when the signal aborts, or when that cannot be known: the stream then says why it cannot start.
 */
async function standBy(stream: StreamName, log: Logger, signal: AbortSignal): Promise<void> {
  const { extraction, direction } = stream;
  const url = databaseOf(stream, targetOf[direction]);
  const sql = new SqlPool({ url, role: 'apply', name: `standby ${direction} ${extraction.name}`, max: 1 });
  const carried = () => isCarried(sql, extraction.name, direction, silentMs).catch(() => false);
  try {
    for (let rounds = 0; !signal.aborted && (await carried()); rounds += 1) {
      if (rounds === 0)
        log.info({ extraction: extraction.name, direction }, 'another sink carries the stream');
      await pause(standbyMs, signal).catch(() => {});
    }
  } finally {
    await sql.end();
  }
}

/** Waits for a checkpoint that a new copy has made; resolves when the signal aborts. */
async function untilCheckpoint(
  stream: StreamName,
  free: (checkpoint: Checkpoint) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const { extraction, direction } = stream;
  const url = databaseOf(stream, targetOf[direction]);
  const sql = new SqlPool({ url, role: 'apply', name: `standby ${direction} ${extraction.name}`, max: 1 });
  try {
    while (!signal.aborted) {
      // Without an answer nothing is known, and we go on waiting.
      const found = await readCheckpoint(sql, extraction.name, direction).catch(() => undefined);
      if (found && free(found)) return;
      await pause(standbyMs, signal).catch(() => {});
    }
  } finally {
    await sql.end();
  }
}

async function isFollowed(home: SqlPool, extraction: string): Promise<boolean> {
  if (!(await ledgerExists(home))) return false;
  const row = await readExtraction(home, extraction);
  return row?.stage === 'following' || row?.stage === 'switched';
}

/** Refuses swapped and foreign databases at once; one that does not answer is tried again by its streams. */
async function refuseWrongService(config: Config, extraction: Extraction): Promise<void> {
  try {
    const sql = await connect({ url: extraction.service.database, role: 'apply', name: 'cdc' });
    try {
      await checkEnvironment(sql, config.environment, 'service');
    } finally {
      await sql.end();
    }
  } catch (error) {
    if (error instanceof StranglerError && error.code === 'ENVIRONMENT_MISMATCH') throw error;
  }
}

/** Waits for a database that does not answer yet. */
async function reached(check: () => Promise<void>, log: Logger, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (!(error instanceof StranglerError) || error.code !== 'DATABASE_UNREACHABLE') throw error;
      log.warn({ fact: error.fact }, 'waiting for the database');
      await pause(1_000, signal);
    }
  }
}

function unexpected(error: unknown): StranglerError {
  return new StranglerError('UNEXPECTED', String(error), 'Report it with the log.', { cause: error });
}
