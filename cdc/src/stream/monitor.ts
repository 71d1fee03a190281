import { pause } from '@strangler/errors';
import { parseLsn, type Sql } from '@strangler/postgres';
import { z } from 'zod';
import { readSequences, type SequenceValues } from '../apply/index.ts';
import type { SequencePlan } from '../plan/index.ts';
import { heartbeatPrefix } from '../source/debezium/index.ts';
import type { LagMeter } from './lag.ts';

const positionEveryMs = 250;
const sequencesEvery = 4;

export interface MonitorOptions {
  readonly source: Sql;
  readonly sequences: readonly SequencePlan[];
  readonly lag: LagMeter;
  readonly onSequences: (values: SequenceValues) => void;
  /** Whether to write a heartbeat of ours: by it Debezium's topic says how far it is. */
  readonly heartbeats: boolean;
  readonly signal: AbortSignal;
}

const position = z.object({ position: z.string().transform(parseLsn) });

/** Where the source's log ends now. */
export async function currentPosition(source: Sql) {
  const { rows } = await source.query('SELECT pg_current_wal_lsn() AS position');
  return position.parse(rows[0]).position;
}

/** Asks the source for its position and its sequences, until the signal aborts. */
export async function monitorSource(options: MonitorOptions): Promise<void> {
  for (let round = 1; !options.signal.aborted; round += 1) {
    if (options.heartbeats)
      await options.source.query(`SELECT pg_logical_emit_message(false, $1, '')`, [heartbeatPrefix]);
    options.lag.sample(await currentPosition(options.source));
    if (round % sequencesEvery === 1)
      options.onSequences(await readSequences(options.source, options.sequences));
    await pause(positionEveryMs, options.signal).catch(() => {});
  }
}
