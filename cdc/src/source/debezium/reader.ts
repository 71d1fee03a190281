import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { messageOf, pause, StranglerError } from '@strangler/errors';
import type { Lsn } from '@strangler/postgres';
import type { Admin, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { ChangeEvent } from '../change.ts';
import type { Reader } from '../reader.ts';
import { isObject, type Json } from './json.ts';
import { kafkaOf, kafkaUnreachable, patient } from './kafka.ts';
import { parseJson, RecordParser } from './record.ts';
import { checkRange, ensureTopic, topicRange, unusable } from './topic.ts';
import {
  DebeziumTranslator,
  lastRecordKey,
  positionOf,
  type SourceTable,
  type TopicRecord,
} from './translate.ts';

export interface TopicReaderOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Everything up to this offset is applied, and up to this position. */
  readonly bookmark: bigint | null;
  readonly applied: Lsn;
  readonly tables: readonly SourceTable[];
  readonly onEvent: (event: ChangeEvent, bytes: number) => void;
  readonly onPosition: (position: Lsn) => void;
}

export interface TopicReader extends Reader {
  /** The offset up to which a target that has applied `position` has everything; null before any. */
  bookmarkAt(position: Lsn): bigint | null;
  /** Writes a last record behind everything that a stopped connector has left; resolves when all before it was handed on. */
  readToEnd(signal: AbortSignal): Promise<void>;
}

/** No heartbeat for so long: the stream is not alive, whatever Connect says of it (trap 85). */
const silentMs = 45_000;
const watchMs = 1_000;
/** A consumer that has stopped says within so long that it has crashed, if it has. */
const crashMs = 1_000;

/** Records that are read at a stretch: about two milliseconds. */
const pieceRecords = 500;

/**
 * Reads a topic from the bookmark in the target's database; the consumer group's offsets mean nothing (trap 73).
 * @throws StranglerError STREAM_STOPPED when the topic cannot go on, DATABASE_UNREACHABLE when Kafka does not answer
 */
export async function openTopicReader(options: TopicReaderOptions): Promise<TopicReader> {
  const kafka = kafkaOf(options.brokers);
  const admin = kafka.admin();
  let start: bigint;
  try {
    await admin.connect();
    await ensureTopic(admin, options.topic);
    const range = await topicRange(admin, options.topic);
    checkRange(options.topic, range, options.bookmark);
    start = options.bookmark === null || options.bookmark < range.first ? range.first : options.bookmark;
  } catch (error) {
    await admin.disconnect();
    throw unreachable(options, error);
  }
  // A group of our own for each session: nobody to rebalance with, and the lease keeps a second sink out (trap 72).
  const consumer = kafka.consumer({
    groupId: `${options.topic}.${randomUUID()}`,
    maxWaitTimeInMs: 50,
    minBytes: 1,
    maxBytesPerPartition: 1 << 20,
    allowAutoTopicCreation: false,
    retry: patient,
  });
  const session = new TopicSession(options, start);
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  consumer.on('consumer.crash', ({ payload }) => ended.reject(crashed(options, payload.error)));
  consumer.on('consumer.stop', () => {
    // That of a crash comes before it, and does not say why.
    const stopped = () => ended.reject(unreachable(options, new Error('the consumer stopped')));
    setTimeout(stopped, crashMs).unref();
  });
  const timer = setInterval(() => watch(options, admin, session, ended.reject), watchMs);
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: options.topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        try {
          await takeBatch(session, payload);
        } catch (error) {
          ended.reject(error);
          consumer.pause([{ topic: options.topic }]);
        }
      },
    });
    consumer.seek({ topic: options.topic, partition: 0, offset: start.toString() });
  } catch (error) {
    clearInterval(timer);
    await close(consumer, admin);
    throw unreachable(options, error);
  }
  return {
    ended: ended.promise,
    // The bookmark is in the target's own transaction: Kafka needs no word from us.
    confirm: () => {},
    pause: () => {
      session.listening = false;
      consumer.pause([{ topic: options.topic }]);
    },
    resume: () => {
      session.listening = true;
      consumer.resume([{ topic: options.topic }]);
    },
    sourceNowMs: () => undefined,
    bookmarkAt: (position) => session.bookmarkAt(position),
    readToEnd: async (signal) => {
      const last = await writeLast(kafka, options.topic).catch((error: unknown) => {
        throw unreachable(options, error);
      });
      while (session.read === null || session.read < last) await pause(50, signal);
      session.listening = false;
    },
    close: async () => {
      clearInterval(timer);
      await close(consumer, admin);
    },
  };
}

/** The offset of a record behind everything in the topic. */
async function writeLast(kafka: Kafka, topic: string): Promise<bigint> {
  const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false });
  await producer.connect();
  try {
    const value = JSON.stringify({ [lastRecordKey]: new Date().toISOString() });
    const [written] = await producer.send({
      topic,
      acks: -1,
      messages: [{ partition: 0, key: null, value }],
    });
    return BigInt(written?.baseOffset ?? 0);
  } finally {
    await producer.disconnect();
  }
}

/** Between pieces the target's answers have their turn, so that it works while we read on. */
async function takeBatch(
  session: TopicSession,
  { batch, resolveOffset, isRunning, isStale }: EachBatchPayload,
): Promise<void> {
  const { messages } = batch;
  for (let at = 0; at < messages.length; at += pieceRecords) {
    if (!isRunning() || isStale()) return;
    const piece = messages.slice(at, at + pieceRecords);
    for (const { offset, key, value, headers } of piece)
      session.take({ offset: BigInt(offset), key, value, headers: headers ?? {} });
    resolveOffset(piece.at(-1)?.offset ?? batch.lastOffset());
    await setImmediate();
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
  if (session.silentForMs > silentMs) {
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
  readonly #parser = new RecordParser();
  readonly #marks: { readonly position: Lsn; readonly offset: bigint }[] = [];
  #read: bigint | null;
  #applied: bigint | null;
  /** Whether the record at the bookmark must still be seen. */
  #unproven: boolean;
  #heardAt = performance.now();
  #listening = true;

  constructor(options: TopicReaderOptions, start: bigint) {
    this.#options = options;
    this.#translator = new DebeziumTranslator(options.tables);
    this.#read = options.bookmark;
    this.#applied = options.bookmark;
    this.#unproven = options.bookmark !== null && start <= options.bookmark;
  }

  /** False while nothing is asked for, or nothing more will come: silence then says nothing. */
  set listening(on: boolean) {
    this.#listening = on;
    this.#heardAt = performance.now();
  }

  get silentForMs(): number {
    return this.#listening ? performance.now() - this.#heardAt : 0;
  }

  get read(): bigint | null {
    return this.#read;
  }

  take(raw: Raw): void {
    this.#heardAt = performance.now();
    if (this.#unproven) this.#prove(raw);
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

  /**
   * The record at the bookmark must be one that is applied. A topic made anew has another one there, or none (trap 84);
   * and if that one is applied, too, so is all before it: the order is the source's.
   */
  #prove(raw: Raw): void {
    const { topic, bookmark, applied } = this.#options;
    if (bookmark !== null && raw.offset < bookmark) return;
    const position = raw.offset === bookmark ? this.#positionOf(raw) : undefined;
    if (position === undefined || position > applied)
      throw unusable(topic, `its record ${bookmark} is not the one that was applied: it was made anew`);
    this.#unproven = false;
  }

  #positionOf({ value }: Raw): Lsn | undefined {
    return value === null ? undefined : positionOf(parseJson(value.toString()));
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
      return this.#translator.translate(recordOf(raw, this.#parser));
    } catch (error) {
      throw unusable(this.#options.topic, `its record ${raw.offset} cannot be read: ${messageOf(error)}`);
    }
  }
}

function recordOf({ key, value, headers }: Raw, parser: RecordParser): TopicRecord {
  const header = headers?.['__debezium.oldkey'];
  return {
    // Only a delete asks for it.
    get key() {
      return key === null ? null : parseJson(key.toString());
    },
    value: value === null ? null : parser.parse(value.toString()),
    oldKey: header === undefined || Array.isArray(header) ? null : payloadOf(parseJson(header.toString())),
    rekeyed: headers?.['__debezium.newkey'] !== undefined,
  };
}

/** Headers have a converter of their own, which wraps the value into its schema. */
function payloadOf(value: Json): Json {
  if (!isObject(value) || value['schema'] === undefined) return value;
  return value['payload'] ?? value;
}

/** What a consumer died of; the records themselves, when they are packed in a way that it does not know. */
function crashed(options: TopicReaderOptions, error: Error): StranglerError {
  const why = error.cause instanceof Error ? error.cause : error;
  if (why.name !== 'KafkaJSNotImplemented') return unreachable(options, error);
  return unusable(options.topic, `its records cannot be read: ${why.message}`);
}

function unreachable({ brokers, topic }: TopicReaderOptions, error: unknown): StranglerError {
  return kafkaUnreachable(brokers, topic, error);
}
