import { deadline, StranglerError } from '@strangler/errors';
import { type Admin, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';

export interface TopicAt {
  /** Brokers, as host:port. */
  readonly kafka: readonly string[];
  readonly topic: string;
  readonly signal: AbortSignal;
}

/** What a topic has to be, so that nothing in it gets lost or out of order (traps 76, 77, 79). */
const wanted = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' };

/**
 * Makes the topic unless it is there, and checks what is there: one partition, nothing compacted, nothing expiring.
 * Before the connector: what makes a topic by itself takes the broker's defaults (trap 81).
 * @throws StranglerError CONNECTOR_FAILED when the topic is not as it has to be, or no broker answers
 */
export async function ensureTopic({ kafka, topic, signal }: TopicAt): Promise<void> {
  await withAdmin(kafka, signal, async (admin) => {
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: 1,
          replicationFactor: 1,
          configEntries: Object.entries(wanted).map(([name, value]) => ({ name, value })),
        },
      ],
    });
    const wrong = [...(await wrongPartitions(admin, topic)), ...(await wrongSettings(admin, topic))];
    if (wrong.length === 0) return;
    throw new StranglerError(
      'CONNECTOR_FAILED',
      `Topic ${topic} is not as it has to be: ${wrong.join(', ')}.`,
      'What it held may be lost: cancel the extraction and sync again, which makes a new topic.',
    );
  });
}

async function wrongPartitions(admin: Admin, topic: string): Promise<string[]> {
  const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
  const partitions = found?.partitions.length ?? 0;
  return partitions === 1 ? [] : [`${partitions} partitions instead of 1`];
}

async function wrongSettings(admin: Admin, topic: string): Promise<string[]> {
  const answer = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: Object.keys(wanted) }],
  });
  const entries = answer.resources.flatMap((resource) => resource.configEntries);
  return Object.entries(wanted).flatMap(([name, value]) => {
    const found = entries.find((entry) => entry.configName === name)?.configValue;
    return found === value ? [] : [`${name} is ${found} instead of ${value}`];
  });
}

/** Removes topics; those that are not there are fine. */
export async function removeTopics(
  kafka: readonly string[],
  topics: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await withAdmin(kafka, signal, async (admin) => {
    const there = new Set(await admin.listTopics());
    const ours = topics.filter((topic) => there.has(topic));
    if (ours.length > 0) await admin.deleteTopics({ topics: ours });
  });
}

/** Runs `work` as an administrator of Kafka; ended by the signal, or after two minutes. */
async function withAdmin<T>(
  brokers: readonly string[],
  signal: AbortSignal,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const kafka = new Kafka({
    clientId: 'strangler',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 15, maxRetryTime: 2_000 },
  });
  const admin = kafka.admin();
  const limit = deadline(120_000, signal);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(limit.reason);
  limit.addEventListener('abort', onAbort, { once: true });
  try {
    limit.throwIfAborted();
    return await Promise.race([admin.connect().then(async () => await work(admin)), aborted]);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StranglerError) throw error;
    throw new StranglerError(
      'CONNECTOR_FAILED',
      `Kafka at ${brokers.join(', ')} did not do what was asked: ${error instanceof Error ? error.message : error}.`,
      'Check grown.kafka in the config (KAFKA_BROKERS) and that the brokers run.',
      { cause: error },
    );
  } finally {
    limit.removeEventListener('abort', onAbort);
    await admin.disconnect();
  }
}
