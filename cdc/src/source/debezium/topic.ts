import { StranglerError } from '@strangler/errors';
import type { Admin } from 'kafkajs';

/** A row's values, old and new, and their names, as JSON: more than Kafka's megabyte. A larger one fails the connector. */
export const recordMaxBytes = 64 << 20;

/** From the first record that is still there to where the next one will be. */
export interface TopicRange {
  readonly first: bigint;
  readonly next: bigint;
}

/** Without an end, each of them. */
const retention = ['retention.ms', 'retention.bytes'] as const;

/** Makes the topic if it is missing: one partition, nothing ever thrown away (traps 76, 77, 79, 81). @throws StranglerError STREAM_STOPPED for another one */
export async function ensureTopic(admin: Admin, topic: string): Promise<void> {
  const made = await admin.listTopics();
  if (!made.includes(topic)) {
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: 1,
          replicationFactor: await replicasOf(admin),
          configEntries: [
            { name: 'cleanup.policy', value: 'delete' },
            { name: 'max.message.bytes', value: String(recordMaxBytes) },
            // As the connector packs them, whatever the brokers' own way is.
            { name: 'compression.type', value: 'producer' },
            ...retention.map((name) => ({ name, value: '-1' })),
          ],
        },
      ],
    });
  }
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const partitions = topics[0]?.partitions.length ?? 0;
  if (partitions !== 1)
    throw unusable(topic, `it has ${partitions} partitions, and only one keeps the order`);
  // ConfigResourceTypes.TOPIC is 2.
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: topic, configNames: ['cleanup.policy', 'compression.type', ...retention] }],
  });
  const settings = new Map(
    resources[0]?.configEntries.map((each) => [each.configName, each.configValue]) ?? [],
  );
  if (settings.get('cleanup.policy') !== 'delete')
    throw unusable(topic, 'it is compacted, which drops changes');
  if (retention.some((name) => settings.get(name) !== '-1'))
    throw unusable(topic, 'its retention drops changes after a while');
  if (settings.get('compression.type') !== 'producer')
    throw unusable(topic, 'its records are packed anew, perhaps in a way that cannot be read');
}

/** As many as there are brokers, three at most. */
async function replicasOf(admin: Admin): Promise<number> {
  const { brokers } = await admin.describeCluster();
  return Math.min(3, brokers.length);
}

export async function topicRange(admin: Admin, topic: string): Promise<TopicRange> {
  const [partition] = await admin.fetchTopicOffsets(topic);
  return { first: BigInt(partition?.low ?? 0), next: BigInt(partition?.high ?? 0) };
}

/** Refuses a topic that cannot give everything after the bookmark. @throws StranglerError STREAM_STOPPED */
export function checkRange(topic: string, { first, next }: TopicRange, bookmark: bigint | null): void {
  const wanted = bookmark === null ? 0n : bookmark + 1n;
  if (first > wanted)
    throw unusable(
      topic,
      `its records before ${first} are gone (retention), and ${wanted} is the next to apply`,
    );
  if (next < wanted)
    throw unusable(topic, `it ends at ${next}, before what is applied (${wanted}): it was made anew`);
}

/** A topic that has lost changes, or is not the one that we know. */
export function unusable(topic: string, why: string): StranglerError {
  return new StranglerError(
    'STREAM_STOPPED',
    `The topic ${topic} cannot be followed: ${why}.`,
    'Nothing was skipped. Run `strangler cancel`, then `strangler sync`: a new copy with a topic of its own.',
  );
}
