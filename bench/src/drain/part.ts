import { copyTables, dropSlot } from '@strangler/cdc';
import { waitFor } from '@strangler/errors';
import { slotName } from '@strangler/ledger';
import pg from 'pg';
import { z } from 'zod';
import { startChild } from '../child.ts';
import type { BenchOptions } from '../options.ts';
import type { Contender, PartReport } from '../report.ts';
import { inTurns, type Measured } from '../rounds.ts';
import { configInput, parsedInput, prepare, type Sides } from '../sides.ts';
import { publishNatively, Subscription } from './subscription.ts';

const extraction = 'events';
const columns = (id: string, amount: string) => `
  (${id} bigint PRIMARY KEY, kind text NOT NULL, ${amount}, note text NOT NULL, at timestamptz NOT NULL)`;
const plain = columns('id', 'amount numeric(12,2) NOT NULL');
const tables = {
  monolith: `CREATE TABLE bench.event ${plain}; CREATE SEQUENCE bench.event_id`,
  service: `CREATE TABLE bench.event_moved ${columns('event_id', 'cents bigint NOT NULL')}`,
};
const mapping = {
  'bench.event': {
    to: 'bench.event_moved',
    columns: {
      id: { to: 'event_id' },
      amount: { to: 'cents', from: '(amount * 100)::bigint', back: '(cents / 100.0)::numeric(12,2)' },
    },
  },
};
const names = {
  ours: 'our stream, synchronous_commit on',
  native: 'subscription, synchronous_commit off (its default)',
  durable: 'subscription, synchronous_commit on',
};
const transactionSizes = [1, 10];

interface Opened {
  start(): Promise<unknown>;
  stop(): Promise<void>;
}

/** Somebody who drains a backlog of transactions of a size; `last` asks for the highest row that it has brought. */
interface Consumer {
  readonly name: string;
  readonly database: string | undefined;
  readonly last: string;
  /** Everything that a server of its kind has done when it idles: its process is up. */
  open(size: number): Promise<Opened>;
}

/** How fast a backlog is drained against PostgreSQL's own subscription: all read the same log, one after the other. */
export async function benchDrain(
  sides: Sides,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<PartReport> {
  const { backlogRows } = options.sizes;
  const input = configInput(sides, extraction, { tables: mapping });
  await prepare(sides, input, tables);
  await copyTables({ ...parsedInput(input), signal });
  await publishNatively(sides, 'bench.event');
  const tableSql = `CREATE TABLE bench.event ${plain}`;
  const native = await Subscription.create(sides, { name: 'native', tableSql, settings: '' });
  const durable = await Subscription.create(sides, {
    name: 'durable',
    tableSql,
    settings: ', synchronous_commit = on',
  });
  const consumers = [
    subscriber(names.native, native),
    stream(input, options, signal),
    subscriber(names.durable, durable),
  ];
  const contenders: Contender[] = [];
  for (const size of transactionSizes) {
    const drains = consumers.map((consumer) => drain(sides, consumer, size));
    // Each round's backlog is written once, before the first of them drains it.
    const backlogs = new Map<number, Promise<void>>();
    const write = (round: number) => {
      const written = backlogs.get(round) ?? writeBacklog(sides, backlogRows, size);
      backlogs.set(round, written);
      return written;
    };
    const measured = drains.map(
      (each): Measured => ({
        name: `${size}-row transactions: ${each.name}`,
        measure: async (round) => {
          await write(round);
          await sides.settle();
          const ms = await each.ms(signal);
          return { seconds: ms / 1_000, 'krows/s': backlogRows / ms };
        },
      }),
    );
    contenders.push(...(await inTurns(measured, options.rounds, signal)));
  }
  await Promise.all([native.drop(), durable.drop()]);
  await dropSlot(
    sides.url('monolith'),
    slotName(parsedInput(input).config.environment, extraction, 'forward'),
  );
  return {
    part: 'drain',
    what: `drain: a backlog of ${backlogRows} inserted rows, from the start of the consumer until the last row is there; fsync on for all`,
    contenders,
    bars: transactionSizes.map((size) => ({
      what: `${size}-row transactions`,
      measure: 'krows/s',
      ours: `${size}-row transactions: ${names.ours}`,
      theirs: `${size}-row transactions: ${names.native}`,
      limit: 0.3,
      kind: 'at least' as const,
    })),
  };
}

function stream(input: unknown, { profiles }: BenchOptions, signal: AbortSignal): Consumer {
  return {
    name: names.ours,
    database: undefined,
    last: 'SELECT max(event_id) AS last FROM bench.event_moved',
    async open(size) {
      const profile = { directory: profiles, name: `drain-ours-${size}` };
      const child = await startChild(new URL('./worker.ts', import.meta.url), { signal, profile });
      return { start: () => child.call('follow', input, z.unknown()), stop: () => child.stop() };
    },
  };
}

function subscriber(name: string, subscription: Subscription): Consumer {
  return {
    name,
    database: subscription.database,
    last: 'SELECT max(id) AS last FROM bench.event',
    open: async () => subscription,
  };
}

function drain(sides: Sides, consumer: Consumer, size: number) {
  return {
    name: consumer.name,
    /** Milliseconds from the start until the last row of the backlog is there. */
    async ms(signal: AbortSignal): Promise<number> {
      const [row] = await sides.query('monolith', 'SELECT max(id) AS last FROM bench.event');
      const target = new pg.Client(sides.url('service', consumer.database));
      await target.connect();
      try {
        const opened = await consumer.open(size);
        try {
          const begun = performance.now();
          await opened.start();
          await waitFor(
            async () => {
              const { rows } = await target.query(consumer.last);
              return rows[0]?.last === row?.['last'] ? true : undefined;
            },
            { timeoutMs: 300_000, everyMs: 10, what: `${consumer.name} draining`, signal },
          );
          return performance.now() - begun;
        } finally {
          await opened.stop();
        }
      } finally {
        await target.end();
      }
    },
  };
}

/** Inserts rows in transactions of the given size, as fast as the source takes them. */
async function writeBacklog(sides: Sides, rows: number, size: number): Promise<void> {
  await sides.query(
    'monolith',
    `DO $$ BEGIN
       SET LOCAL synchronous_commit = off;
       FOR n IN 1..${Math.ceil(rows / size)} LOOP
         INSERT INTO bench.event
         SELECT nextval('bench.event_id'), 'kind ' || i, i * 1.25, 'a note of an ordinary length, ' || md5(i::text), clock_timestamp()
           FROM generate_series(1, ${size}) i;
         COMMIT;
         SET LOCAL synchronous_commit = off;
       END LOOP;
     END $$`,
  );
}
