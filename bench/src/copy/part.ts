import { dropSlot } from '@strangler/cdc';
import { StranglerError } from '@strangler/errors';
import { fenceTrigger, slotName } from '@strangler/ledger';
import { z } from 'zod';
import { startChild } from '../child.ts';
import type { BenchOptions } from '../options.ts';
import type { PartReport } from '../report.ts';
import { inTurns, type Measured } from '../rounds.ts';
import { configInput, parsedInput, prepare, type Sides } from '../sides.ts';
import { copied, fillSql, mapping, plainTable } from './tables.ts';

const extraction = 'orders';
/** The pipe's target has the source's table under the same name, in a database of its own. */
const plainDatabase = 'bench_plain';
const ours = 'copy with mapping, as sync does it';
const theirs = 'COPY piped to COPY, plain columns';
const done = z.object({ ms: z.number(), bytes: z.number(), rows: z.number() });

/** How fast our copy is against the simplest one: both read the same rows, of one cluster, and write them to the other. */
export async function benchCopy(
  sides: Sides,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<PartReport> {
  const { copyRows } = options.sizes;
  const input = configInput(sides, extraction, { tables: mapping });
  await prepare(sides, input, copied);
  await sides.query('service', `CREATE DATABASE ${plainDatabase}`);
  await sides.query('service', `CREATE SCHEMA bench; ${plainTable}`, plainDatabase);
  await sides.query('monolith', fillSql(copyRows));
  const run = async (call: 'ours' | 'pipe', argument: unknown) => {
    await sides.settle();
    const profile = { directory: options.profiles, name: `copy-${call}` };
    const child = await startChild(new URL('./worker.ts', import.meta.url), { signal, profile });
    try {
      const { ms, bytes, rows } = await child.call(call, argument, done);
      if (rows !== copyRows) throw incomplete(call, rows, copyRows);
      return { 'krows/s': rows / ms, 'MB/s': bytes / ms / 1_000 };
    } finally {
      await child.stop();
    }
  };
  const contenders: Measured[] = [
    {
      name: theirs,
      async measure() {
        await sides.query('service', 'TRUNCATE bench.orders', plainDatabase);
        const [source, target] = [sides.url('monolith'), sides.url('service', plainDatabase)];
        return await run('pipe', { source, target, table: 'bench.orders' });
      },
    },
    {
      name: ours,
      async measure() {
        await forgetCopy(sides, input);
        return await run('ours', input);
      },
    },
  ];
  const results = await inTurns(contenders, options.rounds, signal);
  await dropSlot(
    sides.url('monolith'),
    slotName(parsedInput(input).config.environment, extraction, 'forward'),
  );
  return {
    part: 'copy',
    what: `copy: ${copyRows} orders from cluster to cluster; ours with its slot, snapshot and checkpoint, the pipe on one connection`,
    contenders: results,
    bars: [{ what: 'copy', measure: 'krows/s', ours, theirs, limit: 0.5, kind: 'at least' }],
  };
}

/** As before the first copy: a copy that is complete is left alone otherwise. */
async function forgetCopy(sides: Sides, input: unknown): Promise<void> {
  const { config } = parsedInput(input);
  await dropSlot(sides.url('monolith'), slotName(config.environment, extraction, 'forward'));
  await sides.query(
    'service',
    `DELETE FROM strangler.checkpoint WHERE extraction = '${extraction}';
     ALTER TABLE bench.customer_order DISABLE TRIGGER ${fenceTrigger};
     TRUNCATE bench.customer_order;
     ALTER TABLE bench.customer_order ENABLE ALWAYS TRIGGER ${fenceTrigger}`,
  );
}

function incomplete(call: string, rows: number, wanted: number): StranglerError {
  return new StranglerError(
    'COMPONENT_FAILED',
    `The copy "${call}" moved ${rows} rows of ${wanted}.`,
    'Its numbers would mean nothing; this is a defect of the bench.',
  );
}
