import { randomUUID } from 'node:crypto';
import { ConnectClient } from '@strangler/cdc';
import { StranglerError, waitFor } from '@strangler/errors';
import type { Grown } from '@strangler/grown';
import pg from 'pg';
import { z } from 'zod';
import { startChild } from '../child.ts';
import type { PartReport } from '../report.ts';
import { inTurns, type Measured } from '../rounds.ts';
import type { Sides } from '../sides.ts';
import { contentsSql, type History, lastId } from './history.ts';
import { createTheirTarget, refuseFailed, sinkConfig, startSink, theirDatabase, theirTable } from './jdbc.ts';
import type { KafkaOptions } from './options.ts';
import { fillTopics, type Topics } from './topics.ts';

const names = {
  theirs: 'JDBC sink',
  rewritten: 'JDBC sink, rewritten',
  ours: 'our sink',
  raw: 'kafkajs alone',
  parsed: 'kafkajs and JSON.parse',
};

const checkEveryMs = 2_000;
const settleMs = 10_000;

/** The second makes statements of many rows out of the first one's batches. */
const drivers = { theirs: '', rewritten: '&reWriteBatchedInserts=true' };

/** Everything that a history is measured with. */
interface Bench {
  readonly sides: Sides;
  readonly grown: Grown;
  readonly history: History;
  readonly options: KafkaOptions;
  readonly topics: Topics;
  readonly signal: AbortSignal;
}

/** How fast a full topic of one history reaches a table, against Debezium's own sink. */
export async function benchHistory(
  sides: Sides,
  grown: Grown,
  history: History,
  options: KafkaOptions,
  signal: AbortSignal,
): Promise<PartReport> {
  await createTheirTarget(sides);
  const topics = await fillTopics({ sides, grown, history, rows: options.rows, signal });
  try {
    const bench: Bench = { sides, grown, history, options, topics, signal };
    const records = { total: 0, bytes: 0 };
    const contenders = await inTurns(
      [
        theirSink(bench, 'theirs'),
        theirSink(bench, 'rewritten'),
        ourSink(bench),
        reading(bench, false, records),
        reading(bench, true, records),
      ],
      options.repeats,
      signal,
    );
    return {
      part: history.name,
      what: `${history.name}: ${options.rows} changes in transactions of ${history.size}; our topic has ${records.total} records, ${(records.bytes / 1e6).toFixed(1)} MB; both tables equal the source's: ${topics.contents}`,
      contenders,
      bars: [
        {
          what: 'our sink',
          measure: 'krows/s',
          ours: names.ours,
          theirs: names.theirs,
          limit: history.size === 1 ? 2 : 4,
          kind: 'at least',
        },
      ],
    };
  } finally {
    await topics.remove();
  }
}

/** A stream as `serve` runs it, in a process that is up: from its start until the last row is visible. */
function ourSink({ sides, history, options, topics, signal }: Bench): Measured {
  return {
    name: names.ours,
    async measure() {
      await topics.rewind();
      await sides.settle();
      const profile = { directory: options.profiles, name: `kafka-ours-${history.name}` };
      const child = await startChild(new URL('../drain/worker.ts', import.meta.url), { signal, profile });
      const target = await watching(sides.url('service'), 'bench.event');
      try {
        const begun = performance.now();
        await child.call('follow', topics.input, z.unknown());
        await target.last(signal);
        const ms = performance.now() - begun;
        await target.expect(topics.contents, names.ours);
        return { seconds: ms / 1_000, 'krows/s': options.rows / ms };
      } finally {
        await target.end();
        await child.stop();
      }
    },
  };
}

/** Its speed is from when its task runs: starting a connector is not what is compared. */
function theirSink({ sides, grown, options, topics, signal }: Bench, kind: keyof typeof drivers): Measured {
  return {
    name: names[kind],
    async measure() {
      await sides.query('service', `TRUNCATE ${theirTable}`, theirDatabase);
      await sides.settle();
      const name = `bench_sink_${randomUUID()}`;
      const connect = new ConnectClient(grown.connectUrl, signal);
      const target = await watching(sides.url('service', theirDatabase), theirTable);
      try {
        const begun = performance.now();
        await startSink(connect, name, sinkConfig(sides, topics.theirs, drivers[kind]), signal);
        const running = performance.now();
        await target.last(signal, () => refuseFailed(connect, name));
        const ms = performance.now() - running;
        await target.expect(topics.contents, names[kind]);
        await connect.remove(name);
        return {
          seconds: ms / 1_000,
          'krows/s': options.rows / ms,
          's from creation': (ms + running - begun) / 1_000,
        };
      } finally {
        await target.end();
      }
    },
  };
}

/** How fast our topic can be read at all, by the client that we use. */
function reading(bench: Bench, parse: boolean, records: { total: number; bytes: number }): Measured {
  const { grown, history, options, topics, signal } = bench;
  const counted = z.object({ records: z.number(), bytes: z.number() });
  return {
    name: parse ? names.parsed : names.raw,
    async measure() {
      const profile = {
        directory: options.profiles,
        name: `kafka-${parse ? 'parsed' : 'raw'}-${history.name}`,
      };
      const child = await startChild(new URL('./reading-worker.ts', import.meta.url), { signal, profile });
      try {
        const begun = performance.now();
        const request = { brokers: grown.brokers, topic: topics.ours, group: `bench-${randomUUID()}`, parse };
        const found = await child.call('read', request, counted);
        const ms = performance.now() - begun;
        records.total = found.records;
        records.bytes = found.bytes;
        return { seconds: ms / 1_000, 'krows/s': options.rows / ms, 'krecords/s': found.records / ms };
      } finally {
        await child.stop();
      }
    },
  };
}

/** Looks at a target until the last row is there, and then at all of it. */
async function watching(url: string, table: string) {
  const client = new pg.Client(url);
  await client.connect();
  return {
    end: async () => await client.end(),
    last: async (signal: AbortSignal, check: () => Promise<unknown> = async () => {}) => {
      let checkedAt = performance.now();
      await waitFor(
        async () => {
          if (performance.now() - checkedAt > checkEveryMs) {
            checkedAt = performance.now();
            await check();
          }
          const { rows } = await client.query(`SELECT FROM ${table} WHERE id = ${lastId}`);
          return rows.length > 0 ? true : undefined;
        },
        { timeoutMs: 600_000, everyMs: 20, what: `the last row in ${table}`, signal },
      );
    },
    expect: async (contents: string, who: string) => {
      let found: string | undefined;
      // A batch of the JDBC sink is not one transaction: its deletes come after the rows that it writes, the last one, too.
      await waitFor(
        async () => {
          const { rows } = await client.query<{ contents: string }>(contentsSql(table));
          found = rows[0]?.contents;
          return found === contents ? true : undefined;
        },
        {
          timeoutMs: settleMs,
          what: `the contents of ${who}`,
          late: () =>
            new StranglerError(
              'COMPONENT_FAILED',
              `The table of ${who} is not the source's: ${found} instead of ${contents}.`,
              'A figure for other contents means nothing: none is shown.',
            ),
        },
      );
    },
  };
}
