import { waitFor } from '@strangler/errors';
import type { Grown } from '@strangler/grown';
import { lsn } from '@strangler/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectClient, dropSlot } from '../src/index.ts';
import { kafkaOf } from '../src/source/debezium/kafka.ts';
import { openTopicReader } from '../src/source/debezium/reader.ts';
import { ensureTopic } from '../src/source/debezium/topic.ts';
import {
  allowConnections,
  type Background,
  copyAgain,
  copyBulk,
  endOf,
  followOnce,
  forbidConnections,
  hidePublication,
  idsOfOneTransaction,
  inBackground,
  lead,
  partIn,
  partitionOf,
  shortly,
  showPublication,
  takePartition,
  wholeTransactions,
} from './faults.ts';
import { caughtUp, checkpointOf, follow, followForEver } from './follow.ts';
import { grownStack, java } from './grown-stack.ts';
import type { Sides } from './sides.ts';
import { connectorOf, readTopic, setTopic, streamTopic, topicEnd, withAdmin, writeTopic } from './topic.ts';
import {
  arrived,
  bulkRows,
  expectEqual,
  expectOnce,
  expectTraced,
  startWriters,
  step,
  tracedSides,
} from './traced.ts';

const newCopy = /`strangler cancel[^`]*`, then `strangler sync/;

describe.skipIf(!java)('faults of Kafka, Connect and Debezium', () => {
  let grown: Grown;
  let connect: ConnectClient;
  /** Follows through every fault that passes. */
  let sides: Sides;
  /** Stops for good, and is copied again, again and again. */
  let lost: Sides;
  let silent: Background;
  let failing: Background;

  beforeAll(async () => {
    grown = await grownStack(2);
    connect = new ConnectClient(grown.connectUrl, AbortSignal.timeout(600_000));
    [sides, lost, silent, failing] = [
      await tracedSides(grown),
      await tracedSides(grown),
      inBackground(await tracedSides(grown)),
      inBackground(await tracedSides(grown)),
    ];
    // Both take their time to end; the tests of that are further below.
    await Promise.all([silent, failing].map(async (each) => caughtUp(each.sides, 'forward', 90_000)));
    await forbidConnections(silent.sides);
    await hidePublication(failing.sides);
    for (const each of [silent, failing]) await restartConnector(each.sides);
  });
  afterAll(async () => {
    await silent?.stop();
    await failing?.stop();
  });

  /** Writes before, during and after the fault; everything must arrive once. */
  async function throughout(fault: (more: (count: number) => Promise<void>) => Promise<void>): Promise<void> {
    const writers = startWriters(sides);
    try {
      await writers.more(20);
      await fault(writers.more);
      await writers.more(20);
    } finally {
      await writers.stop();
    }
    await expectOnce(sides, 90_000);
  }

  async function restartConnector(of: Sides): Promise<void> {
    const url = `${grown.connectUrl}/connectors/${await connectorOf(of)}/restart?includeTasks=true`;
    expect((await fetch(url, { method: 'POST' })).ok).toBe(true);
  }

  async function taskState(of: Sides): Promise<string | undefined> {
    return (await connect.status(await connectorOf(of)))?.task;
  }

  /** Follows `lost` until it stops; nothing may have been skipped. */
  async function expectLost(code: string, fact: RegExp): Promise<void> {
    const before = await arrived(lost);
    const failure = { code, fact: expect.stringMatching(fact), remedy: expect.stringMatching(newCopy) };
    expect(await endOf(lost)).toMatchObject(failure);
    expect((await checkpointOf(lost, 'forward')).stopped).toMatch(newCopy);
    expect(await arrived(lost)).toBe(before);
    await expectTraced(lost);
  }

  test('trap 73: position and rows are one; offsets have holes, and one transaction has several ids', async () => {
    followForEver(sides, 'forward');
    await caughtUp(sides, 'forward', 60_000);
    await throughout(async (more) => {
      for (let n = 0; n < 3; n += 1) {
        await sides.service.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'strangler forward x'`,
        );
        await more(40);
      }
    });
    const { bookmark } = await checkpointOf(sides, 'forward');
    const records = await readTopic(grown, await streamTopic(sides), bookmark ?? 0n);
    const [first, last] = [Number(records[0]?.offset), Number(records.at(-1)?.offset)];
    expect(last).toBe(Number(bookmark));
    expect(records.length).toBeLessThan(last - first + 1);
    expect(idsOfOneTransaction(records.map(({ value }) => value?.toString() ?? ''))).toBeGreaterThan(2);
  });

  test('trap 72: a rebalance of the consumer group neither repeats nor loses', async () => {
    follow(sides, 'forward');
    await caughtUp(sides, 'forward', 60_000);
    const { lease } = await checkpointOf(sides, 'forward');
    await throughout(async (more) => {
      const leave = await takePartition(grown, await streamTopic(sides));
      await more(20);
      await leave();
    });
    expect((await checkpointOf(sides, 'forward')).lease).toBe(lease);
  });

  test('trap 72: of two sinks the former ends', async () => {
    const former = follow(sides, 'forward', 'former');
    await caughtUp(sides, 'forward', 60_000);
    await throughout(async (more) => {
      follow(sides, 'forward', 'latter');
      await expect(former.ended).rejects.toThrow();
      await more(20);
    });
    expect((await checkpointOf(sides, 'forward')).holder).toBe('latter');
  });

  test('what lies in the topic twice is applied once', async () => {
    const stream = follow(sides, 'forward');
    await throughout(async () => {
      await caughtUp(sides, 'forward', 60_000);
      const { bookmark } = await checkpointOf(sides, 'forward');
      const topic = await streamTopic(sides);
      const records = await readTopic(grown, topic, bookmark ?? 0n);
      const begin = records.findLastIndex(
        ({ value }, at) => at < records.length - 100 && value?.includes('"BEGIN"'),
      );
      await writeTopic(grown, topic, wholeTransactions(records.slice(begin)));
    });
    await stream.stop();
    follow(sides, 'forward');
    await step(sides);
    await expectOnce(sides);
  });

  test('traps 76 and 77: a topic that forgets is refused, and followed again when it does not', async () => {
    const topic = await streamTopic(sides);
    for (const [setting, why] of [
      [{ 'cleanup.policy': 'compact' }, /compacted/],
      [{ 'retention.ms': '1000000000' }, /retention/],
    ] as const) {
      await setTopic(grown, topic, setting);
      await expect(follow(sides, 'forward').ended).rejects.toMatchObject({
        code: 'STREAM_STOPPED',
        fact: expect.stringMatching(why),
      });
    }
    await setTopic(grown, topic);
    follow(sides, 'forward');
    await step(sides);
    await expectOnce(sides);
  });

  test('trap 81: no topic is made by accident, and one of several partitions is refused', async () => {
    await withAdmin(grown, async (admin) => {
      const hasty = kafkaOf(grown.brokers, { retries: 1 }).producer({ allowAutoTopicCreation: true });
      await hasty.connect();
      const send = hasty.send({ topic: 'nobody.made.it', messages: [{ value: 'x' }] });
      await expect(send).rejects.toThrow();
      await hasty.disconnect();
      expect(await admin.listTopics()).not.toContain('nobody.made.it');
      await admin.createTopics({ waitForLeaders: true, topics: [{ topic: 'of.two', numPartitions: 2 }] });
      await expect(ensureTopic(admin, 'of.two')).rejects.toThrow(/2 partitions/);
      await ensureTopic(admin, 'of.ours');
      const { topics } = await admin.fetchTopicMetadata({ topics: ['of.ours'] });
      expect(topics[0]?.partitions.map((each) => each.replicas.length)).toEqual([2]);
    });
  });

  test('a consumer that would stop silently ends the stream', async () => {
    const topic = 'of.another.compression';
    const open = async () => {
      const [bookmark, applied] = [null, lsn(0n)];
      const take = { onEvent: () => {}, onPosition: () => {} };
      return openTopicReader({ brokers: grown.brokers, topic, bookmark, applied, tables: [], ...take });
    };
    const reader = await open();
    let ended = false;
    reader.ended.catch(() => {
      ended = true;
    });
    // The broker packs records anew, in a way that the client does not know; a while after it was told to. Those that
    // come before are read, and say nothing.
    await setTopic(grown, topic, { 'compression.type': 'lz4' });
    for (let tries = 0; tries < 1_000 && !ended; tries += 1)
      await writeTopic(grown, topic, [{ key: null, value: null }]);
    await expect(reader.ended).rejects.toMatchObject({
      code: 'STREAM_STOPPED',
      fact: expect.stringContaining('LZ4'),
    });
    await reader.close();
    await expect(open()).rejects.toThrow(/packed anew/);
  });

  test('a task that fails is restarted, and the stream goes on', async () => {
    const stream = follow(sides, 'forward');
    await caughtUp(sides, 'forward', 60_000);
    await hidePublication(sides);
    try {
      await restartConnector(sides);
      const failed = async () => ((await taskState(sides)) === 'FAILED' ? true : undefined);
      await waitFor(failed, { ...shortly, what: 'the task to fail' });
    } finally {
      await showPublication(sides);
    }
    await throughout(async (more) => await more(20));
    await stream.stop();
  });

  test('trap 80: a poison record stops the stream for good, and what is behind it waits', async () => {
    await followOnce(lost);
    const offset = await writeTopic(grown, await streamTopic(lost), [
      { key: null, value: Buffer.from('{"poison":tru') },
    ]);
    await expectLost('STREAM_STOPPED', new RegExp(`record ${offset} cannot be read`));
    await step(lost);
    await expectLost('STREAM_STOPPED', new RegExp(`record ${offset} cannot be read`));
  });

  test('trap 76: records that were thrown away before they were applied stop the stream', async () => {
    await copyAgain(lost);
    await followOnce(lost);
    const topic = await streamTopic(lost);
    const before = await topicEnd(grown, topic);
    for (let n = 0; n < 5; n += 1) await step(lost);
    // Four records each: its begin, its two rows, its end.
    await waitFor(async () => ((await topicEnd(grown, topic)) >= before + 20n ? true : undefined), {
      ...shortly,
      what: 'the rows in the topic',
    });
    const offset = (await topicEnd(grown, topic)).toString();
    await withAdmin(grown, async (admin) => {
      // The client must have met the topic.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
    });
    await expectLost('STREAM_STOPPED', /are gone \(retention\)/);
  });

  test('trap 84: a topic that was made anew is not taken for the one that was followed', async () => {
    const former = await connectorOf(lost);
    await copyAgain(lost);
    await followOnce(lost);
    expect(await connectorOf(lost)).not.toBe(former);
    const topic = await streamTopic(lost);
    await withAdmin(grown, async (admin) => {
      await admin.deleteTopics({ topics: [topic] });
      const gone = async () => ((await admin.listTopics()).includes(topic) ? undefined : true);
      await waitFor(gone, { ...shortly, what: 'the topic to go' });
    });
    await expectLost('STREAM_STOPPED', /made anew/);
    // As long as the former one, and longer.
    const { bookmark } = await checkpointOf(lost, 'forward');
    const filler = JSON.stringify({ status: 'END', id: `1:${2n ** 60n}`, event_count: 0 });
    const messages = Array.from({ length: Number(bookmark) + 10 }, () => ({
      key: null,
      value: Buffer.from(filler),
    }));
    await writeTopic(grown, topic, messages);
    await expectLost('STREAM_STOPPED', /made anew/);
  });

  test('trap 16: a slot that is lost under a running connector stops the stream', async () => {
    await copyAgain(lost);
    await followOnce(lost);
    const stream = follow(lost, 'forward');
    await caughtUp(lost, 'forward', 60_000);
    const { slot } = await checkpointOf(lost, 'forward');
    await dropSlot(lost.config.monolith.database, slot);
    await step(lost);
    await expect(stream.ended).rejects.toMatchObject({ code: 'SLOT_LOST' });
    await expectLost('SLOT_LOST', /./);
  });

  test('trap 75: a slot that is ahead of the connector stops the stream', async () => {
    await copyAgain(lost);
    await followOnce(lost);
    await connect.stop(await connectorOf(lost));
    await step(lost);
    const { slot } = await checkpointOf(lost, 'forward');
    await lost.monolith.query(`SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())`, [slot]);
    await expectLost('SLOT_LOST', /./);
    // And the last remedy, too, is one.
    await copyAgain(lost);
    await followOnce(lost);
    await expectEqual(lost);
  });

  test('a task that fails again and again stops the stream, which goes on when that is mended', async () => {
    await expect(failing.ended).rejects.toMatchObject({
      code: 'CONNECTOR_FAILED',
      fact: expect.stringMatching(/publication/i),
      remedy: expect.stringContaining('goes on by itself'),
    });
    await showPublication(failing.sides);
    await step(failing.sides);
    follow(failing.sides, 'forward');
    await expectOnce(failing.sides);
  });

  test('trap 85: a connector that runs and says nothing stops the stream, which goes on when it speaks', async () => {
    expect(await taskState(silent.sides)).toBe('RUNNING');
    await expect(silent.ended).rejects.toMatchObject({
      code: 'CONNECTOR_FAILED',
      fact: expect.stringContaining('Nothing has arrived'),
    });
    await step(silent.sides);
    await allowConnections(silent.sides);
    follow(silent.sides, 'forward');
    await expectOnce(silent.sides);
  });

  test('trap 74: Connect killed within a transaction gives the rest, or the stream stops where it may not', async () => {
    // Connect may need longer to come back than a stream waits for a heartbeat.
    const stream = followForEver(sides, 'forward');
    await caughtUp(sides, 'forward', 60_000);
    await followOnce(lost);
    const topics = [await streamTopic(sides), await streamTopic(lost)];
    const before = await Promise.all(topics.map(async (topic) => topicEnd(grown, topic)));
    // Nobody else writes: Connect must die within these two, not behind a single row of another.
    await Promise.all([
      sides.monolith.query(`UPDATE bulk SET v = v || 'u'`),
      lost.monolith.query(copyBulk(bulkRows)),
    ]);
    await Promise.all(topics.map(async (topic, at) => partIn(grown, topic, before[at] ?? 0n, 1_000)));
    grown.kill('connect', 'SIGKILL');
    await grown.exited('connect');
    for (const [at, topic] of topics.entries())
      expect(await topicEnd(grown, topic)).toBeLessThan((before[at] ?? 0n) + BigInt(bulkRows));
    await grown.restart('connect');
    await step(sides);
    await expectOnce(sides, 90_000);
    await stream.stop();
    // Debezium takes all rows of one position for done, of which it may have given only some.
    await expectLost('STREAM_STOPPED', /passes over those/);
    await copyAgain(lost);
    await followOnce(lost);
  });

  test('a broker that is killed and comes back loses nothing', async () => {
    followForEver(sides, 'forward');
    await caughtUp(sides, 'forward', 60_000);
    await throughout(async (more) => {
      grown.kill('broker1', 'SIGKILL');
      await grown.exited('broker1');
      await more(20);
      await grown.restart('broker1');
    });
  });

  test('the killed leader of the topic is replaced by the other broker, which has everything', async () => {
    followForEver(sides, 'forward');
    await caughtUp(sides, 'forward', 60_000);
    const topic = await streamTopic(sides);
    await lead(grown, topic, 2);
    await throughout(async () => {
      grown.kill('broker2', 'SIGKILL');
      await waitFor(async () => ((await partitionOf(grown, topic)).leader === 1 ? true : undefined), {
        ...shortly,
        what: 'another leader',
      });
    });
  });
});
