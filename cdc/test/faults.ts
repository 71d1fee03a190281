import { StranglerError, waitFor } from '@strangler/errors';
import type { Grown } from '@strangler/grown';
import { publicationName } from '@strangler/ledger';
import { ident } from '@strangler/postgres';
import kafkajs from 'kafkajs';
import { expect } from 'vitest';
import { copyTables, dropGrown, dropSlot, emptyService, runStream } from '../src/index.ts';
import { checkpointOf, follow, quiet } from './follow.ts';
import type { Sides } from './sides.ts';
import { topicEnd, withAdmin } from './topic.ts';
import { bulkRows, expectOnce, step } from './traced.ts';

export const shortly = { timeoutMs: 30_000, everyMs: 50 };

export interface Background {
  readonly sides: Sides;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** A stream that outlives the test in which it started. */
export function inBackground(sides: Sides): Background {
  const end = new AbortController();
  const { config, extraction } = sides;
  const ended = runStream({
    ...{ config, extraction, direction: 'forward', holder: 'test' },
    signal: end.signal,
    log: quiet,
  });
  ended.catch(() => {});
  return {
    sides,
    ended,
    stop: async () => {
      end.abort();
      await ended.catch(() => {});
    },
  };
}

/** Follows until everything is there, and stops. */
export async function followOnce(sides: Sides): Promise<void> {
  const stream = follow(sides, 'forward');
  await step(sides);
  await expectOnce(sides);
  await stream.stop();
}

/** What the forward stream ends with for good; what passes is tried again, as `serve` does. */
export async function endOf(sides: Sides): Promise<unknown> {
  for (let tries = 1; ; tries += 1) {
    const error = await follow(sides, 'forward').ended.catch((reason: unknown) => reason);
    if (tries === 5 || !(error instanceof StranglerError) || error.code !== 'CONNECT_UNREACHABLE')
      return error;
  }
}

/** What `strangler cancel` and `strangler sync` do: the remedy of a loss. */
export async function copyAgain(sides: Sides): Promise<void> {
  const { config, extraction } = sides;
  const signal = AbortSignal.timeout(60_000);
  const checkpoint = await checkpointOf(sides, 'forward');
  await dropGrown(config, checkpoint, signal);
  await dropSlot(config.monolith.database, checkpoint.slot);
  await sides.service.query('DELETE FROM strangler.checkpoint');
  await emptyService(config, extraction);
  await copyTables({ config, extraction, signal });
  await sides.service.query('TRUNCATE seen');
}

/** A connector that starts now fails: it makes no publication. What is written meanwhile would be passed over: write nothing. */
export async function hidePublication(sides: Sides): Promise<void> {
  await renamePublication(sides, '', hidden);
}

export async function showPublication(sides: Sides): Promise<void> {
  await renamePublication(sides, hidden, '');
}

const hidden = '_hidden';

/** Whoever is connected stays; the connector's next connection is refused, and it tries again for ever. */
export async function forbidConnections({ monolith }: Sides): Promise<void> {
  await monolith.query(`REVOKE CONNECT ON DATABASE ${monolith.name} FROM PUBLIC, strangler_source`);
}

export async function allowConnections({ monolith }: Sides): Promise<void> {
  await monolith.query(`GRANT CONNECT ON DATABASE ${monolith.name} TO PUBLIC, strangler_source`);
}

async function renamePublication({ config, monolith }: Sides, from: string, to: string): Promise<void> {
  const name = publicationName(config.environment, 'x');
  await monolith.query(`ALTER PUBLICATION ${ident(name + from)} RENAME TO ${ident(name + to)}`);
}

/** Rows that COPY writes many at a time, at one position of the log. */
export function copyBulk(rows: number): string {
  return `DO $$ DECLARE file text := current_setting('data_directory') || '/bulk.' || current_database(); BEGIN
    EXECUTE format('COPY (SELECT n, ''v'' FROM generate_series(${bulkRows} + 1, ${bulkRows} + ${rows}) n) TO %L', file);
    EXECUTE format('COPY bulk FROM %L', file); END $$`;
}

/** Waits until the topic holds so many records more than before. */
export async function partIn(grown: Grown, topic: string, before: bigint, part: number): Promise<void> {
  await waitFor(async () => ((await topicEnd(grown, topic)) > before + BigInt(part) ? true : undefined), {
    ...shortly,
    everyMs: 5,
    what: `${part} records more in ${topic}`,
  });
}

/** Under how many ids the last transaction of the records goes: at its begin, its rows and its end. */
export function idsOfOneTransaction(values: readonly string[]): number {
  const ids = values.flatMap((text) => {
    const id = /"(?:transaction":\{"id|status":"(?:BEGIN|END)","id)":"(\d+:\d+)"/.exec(text)?.[1];
    return id === undefined ? [] : [id];
  });
  const [txId] = ids.at(-1)?.split(':') ?? [];
  return new Set(ids.filter((each) => each.startsWith(`${txId}:`))).size;
}

/** The records up to the last end of a transaction among them. */
export function wholeTransactions<T extends { value: Buffer | null }>(records: readonly T[]): readonly T[] {
  return records.slice(0, records.findLastIndex(({ value }) => value?.includes('"END"')) + 1);
}

/** A foreign member of the reader's consumer group, which has taken the partition from it; resolves to its leaving. */
export async function takePartition(grown: Grown, topic: string): Promise<() => Promise<void>> {
  const groupId = await withAdmin(grown, async (admin) =>
    waitFor(
      async () => {
        const { groups } = await admin.listGroups();
        const ours = groups.map((each) => each.groupId).filter((each) => each.startsWith(`${topic}.`));
        const { groups: described } = await admin.describeGroups(ours);
        return described.find((each) => each.state === 'Stable' && each.members.length > 0)?.groupId;
      },
      { ...shortly, what: "the reader's group" },
    ),
  );
  const kafka = new kafkajs.Kafka({
    // The assignment goes by names, and this one comes before ours.
    clientId: 'aaa',
    brokers: [...grown.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const consumer = kafka.consumer({ groupId });
  const joined = Promise.withResolvers<boolean>();
  consumer.on('consumer.group_join', ({ payload }) =>
    joined.resolve((payload.memberAssignment[topic] ?? []).length > 0),
  );
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: false });
  await consumer.run({ autoCommit: false, eachMessage: async () => {} });
  expect(await joined.promise).toBe(true);
  return async () => await consumer.disconnect();
}

export async function partitionOf(grown: Grown, topic: string) {
  return await withAdmin(grown, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partition = topics[0]?.partitions[0];
    if (!partition) throw new Error(`no partition of ${topic}`);
    return partition;
  });
}

/** Makes a broker the leader of the topic, with the other one as its replica. */
export async function lead(grown: Grown, topic: string, broker: 1 | 2): Promise<void> {
  for (const replicas of [[broker], [broker, broker === 1 ? 2 : 1]]) {
    await withAdmin(grown, async (admin) =>
      admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: [{ partition: 0, replicas }] }],
      }),
    );
    await waitFor(
      async () => {
        const { leader, isr } = await partitionOf(grown, topic);
        return leader === broker && isr.length === replicas.length ? true : undefined;
      },
      { ...shortly, what: `broker ${broker} to lead` },
    );
  }
}
