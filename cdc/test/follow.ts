import { waitFor } from '@strangler/errors';
import {
  beginClosing,
  type Checkpoint,
  type Direction,
  decide,
  type Epoch,
  readCheckpoint,
  readOwnership,
  type Side,
  sourceOf,
  targetOf,
} from '@strangler/ledger';
import { parseLsn, qualified } from '@strangler/postgres';
import { type Logger, pino } from 'pino';
import { afterEach } from 'vitest';
import { copyTables, createReverse, runStream } from '../src/index.ts';
import type { Sides } from './sides.ts';

/** A stream that runs in this process. */
export interface RunningStream {
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

const running = new Set<RunningStream>();

afterEach(async () => {
  await Promise.all([...running].map((each) => each.stop()));
});

export const quiet: Logger = pino({ level: process.env['TEST_LOG'] ?? 'silent' });

/** Copies the tables and makes the reverse slot: what `sync` does before the streams start. */
export async function copyAll(sides: Sides): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  await sides.prepare();
  await copyTables({ config: sides.config, extraction: sides.extraction, signal });
  await createReverse({ config: sides.config, extraction: sides.extraction, signal });
}

export function follow(sides: Sides, direction: Direction, holder = 'test', log = quiet): RunningStream {
  const stop = new AbortController();
  const { config, extraction } = sides;
  const ended = runStream({ config, extraction, direction, signal: stop.signal, log, holder });
  // Whoever expects it to fail asks for `ended`.
  ended.catch((error: unknown) => log.info({ error: String(error) }, 'the stream ended'));
  const stream: RunningStream = {
    ended,
    stop: async () => {
      stop.abort();
      running.delete(stream);
      await ended.catch(() => {});
    },
  };
  running.add(stream);
  return stream;
}

/** A stream that starts again whenever it fails, as `serve` has it. */
export function followForEver(sides: Sides, direction: Direction): RunningStream {
  const stop = new AbortController();
  const { config, extraction } = sides;
  const loop = async () => {
    while (!stop.signal.aborted)
      await runStream({
        config,
        extraction,
        direction,
        signal: stop.signal,
        log: quiet,
        holder: 'test',
      }).catch(() => {});
  };
  const ended = loop();
  const stream: RunningStream = {
    ended,
    stop: async () => {
      stop.abort();
      running.delete(stream);
      await ended;
    },
  };
  running.add(stream);
  return stream;
}

export async function checkpointOf(sides: Sides, direction: Direction): Promise<Checkpoint> {
  const [row] = await sides[targetOf[direction]].query<Record<string, string>>(
    'SELECT extraction FROM strangler.checkpoint WHERE direction = $1',
    [direction],
  );
  if (!row) throw new Error(`no ${direction} checkpoint`);
  const found = await sides.as(targetOf[direction], 'operator', async (sql) =>
    readCheckpoint(sql, sides.extraction.name, direction),
  );
  if (!found) throw new Error(`no ${direction} checkpoint`);
  return found;
}

/** Waits until the target has applied everything that the source has now. */
export async function caughtUp(sides: Sides, direction: Direction, timeoutMs = 15_000): Promise<void> {
  const [row] = await sides[sourceOf[direction]].query<{ here: string }>(
    'SELECT pg_current_wal_insert_lsn()::text AS here',
  );
  const here = parseLsn(row?.here ?? '');
  let found: Checkpoint | undefined;
  const what = `${direction} stream at ${row?.here}`;
  await waitFor(
    async () => {
      found = await checkpointOf(sides, direction);
      return found.applied >= here ? true : undefined;
    },
    {
      timeoutMs,
      what,
      late: () => new Error(`no ${what}, but at ${found?.applied}, ${found?.stopped ?? 'not stopped'}`),
    },
  );
}

/** Fences and decides at one side, as the switch does. */
export async function closeSide(
  sides: Sides,
  side: Side,
  sequences: Record<string, string> = {},
): Promise<Epoch> {
  return await sides.as(side, 'operator', async (operator) => {
    const here = await readOwnership(operator, 'x');
    if (!here) throw new Error('no ownership');
    const tables = sides.extraction.tables.map((each) => qualified(each[side]));
    const fence = await beginClosing(operator, 'x', here.epoch, {
      politeMs: 300,
      waitMs: 5_000,
      leaseMs: 10_000,
      tables,
    });
    return await decide(operator, 'x', fence, 5_000, sequences);
  });
}

/** Waits until a side has opened. */
export async function opened(sides: Sides, side: Side): Promise<void> {
  await waitFor(
    async () => {
      const [row] = await sides[side].query<{ state: string }>('SELECT state FROM strangler.ownership');
      return row?.state === 'open' ? true : undefined;
    },
    { timeoutMs: 15_000, what: `the ${side} to open` },
  );
}

/** The whole switch from one side to the other; both streams must run. */
export async function flip(sides: Sides, from: Side, sequences: Record<string, string> = {}): Promise<void> {
  await closeSide(sides, from, sequences);
  await opened(sides, from === 'monolith' ? 'service' : 'monolith');
}
