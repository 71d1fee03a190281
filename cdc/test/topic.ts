import { randomUUID } from 'node:crypto';
import { waitFor } from '@strangler/errors';
import type { Grown } from '@strangler/grown';
import { connectorName } from '@strangler/ledger';
import type { Admin, KafkaMessage } from 'kafkajs';
import { topicOf } from '../src/connect/index.ts';
import { kafkaOf, withAdmin as lendAdmin } from '../src/source/debezium/kafka.ts';
import { checkpointOf } from './follow.ts';
import type { Sides } from './sides.ts';

/** The connector of the forward stream. */
export async function connectorOf(sides: Sides): Promise<string> {
  const { slot, attempt } = await checkpointOf(sides, 'forward');
  return connectorName(slot, attempt ?? 'none');
}

export async function streamTopic(sides: Sides): Promise<string> {
  return topicOf(await connectorOf(sides));
}

export async function withAdmin<T>(grown: Grown, work: (admin: Admin) => Promise<T>): Promise<T> {
  return await lendAdmin({ brokers: grown.brokers }, 'the test', work);
}

/** Where the next record of the topic will be; what a transaction of Kafka's has not committed is not counted. */
export async function topicEnd(grown: Grown, topic: string): Promise<bigint> {
  return await withAdmin(grown, async (admin) =>
    BigInt((await admin.fetchTopicOffsets(topic))[0]?.high ?? '0'),
  );
}

/** What a topic of ours is made with; a change of settings forgets all that it does not name. */
export const ourSettings = {
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'retention.ms': '-1',
  'retention.bytes': '-1',
};

/** Sets these of the topic's settings, and the others as ours. */
export async function setTopic(
  grown: Grown,
  topic: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configEntries = Object.entries({ ...ourSettings, ...settings }).map(([name, value]) => ({
    name,
    value,
  }));
  // ConfigResourceTypes.TOPIC is 2.
  await withAdmin(grown, async (admin) =>
    admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries }] }),
  );
}

/** Every committed record up to the one at the offset, which must be there. */
export async function readTopic(grown: Grown, topic: string, last: bigint): Promise<KafkaMessage[]> {
  const consumer = kafkaOf(grown.brokers).consumer({ groupId: `test.${randomUUID()}` });
  const found: KafkaMessage[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        found.push(message);
      },
    });
    await waitFor(() => (found.some((each) => BigInt(each.offset) >= last) ? true : undefined), {
      timeoutMs: 20_000,
      what: `record ${last} of ${topic}`,
    });
    return found.filter((each) => BigInt(each.offset) <= last);
  } finally {
    await consumer.disconnect();
  }
}

/** Writes records into the topic, past the connector. */
export async function writeTopic(
  grown: Grown,
  topic: string,
  messages: readonly Pick<KafkaMessage, 'key' | 'value' | 'headers'>[],
): Promise<bigint> {
  const producer = kafkaOf(grown.brokers).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    const plain = messages.map(({ key, value, headers }) => ({
      partition: 0,
      key,
      value,
      ...(headers ? { headers } : {}),
    }));
    const [written] = await producer.send({ topic, acks: -1, messages: plain });
    return BigInt(written?.baseOffset ?? '0');
  } finally {
    await producer.disconnect();
  }
}
