import { randomUUID } from 'node:crypto';
import { messageOf, StranglerError } from '@strangler/errors';
import type { Lsn } from '@strangler/postgres';
import kafkajs, { type Admin, type Consumer, type EachBatchPayload, type Kafka } from 'kafkajs';
import type { ChangeEvent } from '../change.ts';
import type { Reader } from '../reader.ts';
import { isObject, type Json, parseJson } from './json.ts';
import { checkRange, ensureTopic, topicRange, unusable } from './topic.ts';
import { DebeziumTranslator, type SourceTable, type TopicRecord } from './translate.ts';

export interface TopicReaderOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Everything up to this offset is applied. */
  readonly bookmark: bigint | null;
  readonly tables: readonly SourceTable[];
  readonly onEvent: (event: ChangeEvent, bytes: number) => void;
  readonly onPosition: (position: Lsn) => void;
}

export interface TopicReader extends Reader {
  /** The offset up to which a target that has applied `position` has everything; null before any. */
  bookmarkAt(position: Lsn): bigint | null;
}

/** No heartbeat for so long: the stream is not alive, whatever Connect says of it (trap 85). */
const silentMs = 45_000;
const watchMs = 1_000;

/** A client that outlives the failover of a broker. */
export function kafkaOf(brokers: readonly string[]): Kafka {
  // Node finds no named exports in it.
  return new kafkajs.Kafka({
    clientId: 'strangler',
    brokers: [...brokers],
    retry: { retries: 30, maxRetryTime: 2_000 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
}

/**
 * Reads a topic from the bookmark in the target's database; the consumer group's offsets mean nothing (trap 73).
 * @throws StranglerError STREAM_STOPPED when the topic cannot go on, DATABASE_UNREACHABLE when Kafka does not answer
 */
export async function openTopicReader(options: TopicReaderOptions): Promise<TopicReader> {
  const kafka = kafkaOf(options.brokers);
  const admin = kafka.admin();
  try {
    await admin.connect();
    await ensureTopic(admin, options.topic);
    checkRange(options.topic, await topicRange(admin, options.topic), options.bookmark);
  } catch (error) {
    await admin.disconnect();
    throw unreachable(options, error);
  }
  // A group of our own for each session: nobody to rebalance with, and the lease keeps a second sink out (trap 72).
  const consumer = kafka.consumer({
    groupId: `${options.topic}.${randomUUID()}`,
    maxWaitTimeInMs: 50,
    minBytes: 1,
    maxBytesPerPartition: 4 << 20,
    allowAutoTopicCreation: false,
    retry: { retries: 30, maxRetryTime: 2_000 },
  });
  const session = new TopicSession(options);
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  consumer.on('consumer.crash', ({ payload }) => ended.reject(unreachable(options, payload.error)));
  consumer.on('consumer.stop', () => ended.reject(unreachable(options, new Error('the consumer stopped'))));
  const timer = setInterval(() => watch(options, admin, session, ended.reject), watchMs);
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: options.topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        try {
          takeBatch(session, payload);
        } catch (error) {
          ended.reject(error);
          consumer.pause([{ topic: options.topic }]);
        }
      },
    });
    if (options.bookmark !== null)
      consumer.seek({ topic: options.topic, partition: 0, offset: (options.bookmark + 1n).toString() });
  } catch (error) {
    clearInterval(timer);
    await close(consumer, admin);
    throw unreachable(options, error);
  }
  return {
    ended: ended.promise,
    // The bookmark is in the target's own transaction: Kafka needs no word from us.
    confirm: () => {},
    pause: () => consumer.pause([{ topic: options.topic }]),
    resume: () => consumer.resume([{ topic: options.topic }]),
    sourceNowMs: () => undefined,
    bookmarkAt: (position) => session.bookmarkAt(position),
    close: async () => {
      clearInterval(timer);
      await close(consumer, admin);
    },
  };
}

function takeBatch(
  session: TopicSession,
  { batch, resolveOffset, isRunning, isStale }: EachBatchPayload,
): void {
  for (const { offset, key, value, headers } of batch.messages) {
    if (!isRunning() || isStale()) return;
    session.take({ offset: BigInt(offset), key, value, headers: headers ?? {} });
    resolveOffset(offset);
  }
}

async function close(consumer: Consumer, admin: Admin): Promise<void> {
  await consumer.disconnect().catch(() => {});
  await admin.disconnect().catch(() => {});
}

/** What was thrown away, or silence, ends the stream: a consumer tells neither. */
function watch(
  options: TopicReaderOptions,
  admin: Admin,
  session: TopicSession,
  fail: (error: unknown) => void,
): void {
  if (performance.now() - session.heardAt > silentMs) {
    fail(
      new StranglerError(
        'CONNECTOR_FAILED',
        `Nothing has arrived in ${options.topic} for ${silentMs / 1_000} s, not even a heartbeat.`,
        'See the log of Kafka Connect: the connector may wait for its database, its slot or its publication.',
      ),
    );
  }
  const bookmark = session.read;
  topicRange(admin, options.topic).then(
    (range) => {
      try {
        checkRange(options.topic, range, bookmark);
      } catch (error) {
        fail(error);
      }
    },
    // A broker that does not answer now is tried again.
    () => {},
  );
}

interface Raw {
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: EachBatchPayload['batch']['messages'][number]['headers'];
}

/** What one consumer has read, and which offsets belong to which positions. */
class TopicSession {
  readonly #options: TopicReaderOptions;
  readonly #translator: DebeziumTranslator;
  readonly #marks: { readonly position: Lsn; readonly offset: bigint }[] = [];
  #read: bigint | null;
  #applied: bigint | null;
  heardAt = performance.now();

  constructor(options: TopicReaderOptions) {
    this.#options = options;
    this.#translator = new DebeziumTranslator(options.tables);
    this.#read = options.bookmark;
    this.#applied = options.bookmark;
  }

  get read(): bigint | null {
    return this.#read;
  }

  take(raw: Raw): void {
    this.heardAt = performance.now();
    // Before the consumer has found its place, and after a rebalance, records come again.
    if (this.#read !== null && raw.offset <= this.#read) return;
    const bytes = (raw.value?.length ?? 0) / 2;
    const translated = this.#translate(raw);
    this.#read = raw.offset;
    if (translated.kind === 'position') {
      this.#marks.push({ position: translated.position, offset: raw.offset });
      this.#options.onPosition(translated.position);
      return;
    }
    for (const event of translated.events) {
      if (event.kind === 'commit') this.#marks.push({ position: event.position, offset: raw.offset });
      this.#options.onEvent(event, bytes);
    }
  }

  bookmarkAt(position: Lsn): bigint | null {
    let done = 0;
    while (done < this.#marks.length && (this.#marks[done]?.position ?? position + 1n) <= position) done += 1;
    if (done > 0) this.#applied = this.#marks[done - 1]?.offset ?? this.#applied;
    this.#marks.splice(0, done);
    return this.#applied;
  }

  #translate(raw: Raw) {
    try {
      return this.#translator.translate(recordOf(raw));
    } catch (error) {
      throw unusable(this.#options.topic, `its record ${raw.offset} cannot be read: ${messageOf(error)}`);
    }
  }
}

function recordOf({ key, value, headers }: Raw): TopicRecord {
  const header = headers?.['__debezium.oldkey'];
  return {
    key: key === null ? null : parseJson(key.toString()),
    value: value === null ? null : parseJson(value.toString()),
    oldKey: header === undefined || Array.isArray(header) ? null : payloadOf(parseJson(header.toString())),
    rekeyed: headers?.['__debezium.newkey'] !== undefined,
  };
}

/** Headers have a converter of their own, which wraps the value into its schema. */
function payloadOf(value: Json): Json {
  if (!isObject(value) || value['schema'] === undefined) return value;
  return value['payload'] ?? value;
}

function unreachable(options: TopicReaderOptions, error: unknown): StranglerError {
  if (error instanceof StranglerError) return error;
  return new StranglerError(
    'CONNECT_UNREACHABLE',
    `Kafka at ${options.brokers.join(', ')} does not serve ${options.topic}: ${messageOf(error)}.`,
    'Start it (`npm run kafka:up`), or correct `grown.kafka` in the config.',
    { cause: error },
  );
}
