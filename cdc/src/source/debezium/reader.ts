import { setImmediate } from 'node:timers/promises';
import { messageOf, pause, StranglerError } from '@strangler/errors';
import type { Lsn } from '@strangler/postgres';
import type { Admin, Kafka } from 'kafkajs';
import type { ChangeEvent } from '../change.ts';
import type { Reader } from '../reader.ts';
import { ConsumerFailed, openConsumer } from './consumer.ts';
import { isObject, type Json } from './json.ts';
import { kafkaOf, kafkaUnreachable } from './kafka.ts';
import { type PackedPiece, type PieceRecord, type Place, recordsOf } from './piece.ts';
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

/** Records that are read at a stretch: less than a millisecond, which an answer of the target waits. */
const turnRecords = 100;

/**
 * Reads a topic from the bookmark in the target's database; the consumer group's offsets mean nothing (trap 73).
 * @throws StranglerError STREAM_STOPPED when the topic cannot go on, CONNECT_UNREACHABLE when Kafka does not answer
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
  const session = new TopicSession(options, start);
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  const timer = setInterval(() => watch(options, admin, session, ended.reject), watchMs);
  const consumer = openConsumer({
    brokers: options.brokers,
    topic: options.topic,
    start,
    take: async (piece) => await takePiece(session, piece),
  });
  consumer.ended.catch((error: unknown) => ended.reject(consumerFailure(options, error)));
  const close = async () => {
    clearInterval(timer);
    await consumer.close();
    await admin.disconnect().catch(() => {});
  };
  try {
    await Promise.race([consumer.reading, ended.promise]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ended: ended.promise,
    // The bookmark is in the target's own transaction: Kafka needs no word from us.
    confirm: () => {},
    pause: () => {
      session.listening = false;
      consumer.pause();
    },
    resume: () => {
      session.listening = true;
      consumer.resume();
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
    close,
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

/** From time to time the target's answers have their turn, so that it works while we read on. */
async function takePiece(session: TopicSession, piece: PackedPiece): Promise<void> {
  let taken = 0;
  for (const record of recordsOf(piece)) {
    session.take(record);
    taken += 1;
    if (taken % turnRecords === 0) await setImmediate();
  }
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

  take(record: PieceRecord): void {
    this.#heardAt = performance.now();
    if (this.#unproven) this.#prove(record);
    // Before the consumer has found its place, and after a rebalance, records come again.
    if (this.#read !== null && record.offset <= this.#read) return;
    const translated = this.#translate(record);
    this.#read = record.offset;
    if (translated.kind === 'position') {
      this.#marks.push({ position: translated.position, offset: record.offset });
      this.#options.onPosition(translated.position);
      return;
    }
    for (const event of translated.events) {
      if (event.kind === 'commit') this.#marks.push({ position: event.position, offset: record.offset });
      this.#options.onEvent(event, record.size / 2);
    }
  }

  /**
   * The record at the bookmark must be one that is applied. A topic made anew has another one there, or none (trap 84);
   * and if that one is applied, too, so is all before it: the order is the source's.
   */
  #prove(record: PieceRecord): void {
    const { topic, bookmark, applied } = this.#options;
    if (bookmark !== null && record.offset < bookmark) return;
    const position = record.offset === bookmark ? positionOf(jsonAt(record.value())) : undefined;
    if (position === undefined || position > applied)
      throw unusable(topic, `its record ${bookmark} is not the one that was applied: it was made anew`);
    this.#unproven = false;
  }

  bookmarkAt(position: Lsn): bigint | null {
    let done = 0;
    while (done < this.#marks.length && (this.#marks[done]?.position ?? position + 1n) <= position) done += 1;
    if (done > 0) this.#applied = this.#marks[done - 1]?.offset ?? this.#applied;
    this.#marks.splice(0, done);
    return this.#applied;
  }

  #translate(record: PieceRecord) {
    try {
      return this.#translator.translate(topicRecord(record, this.#parser));
    } catch (error) {
      throw unusable(this.#options.topic, `its record ${record.offset} cannot be read: ${messageOf(error)}`);
    }
  }
}

function topicRecord(record: PieceRecord, parser: RecordParser): TopicRecord {
  const value = record.value();
  return {
    // Only a delete asks for it.
    get key() {
      return jsonAt(record.key());
    },
    value: value && parser.parse(value.text, value.start, value.end),
    oldKey: payloadOf(jsonAt(record.oldKey())),
    rekeyed: record.rekeyed,
  };
}

function jsonAt(place: Place | null): Json {
  return place && parseJson(place.text.slice(place.start, place.end));
}

/** Headers have a converter of their own, which wraps the value into its schema. */
function payloadOf(value: Json): Json {
  if (!isObject(value) || value['schema'] === undefined) return value;
  return value['payload'] ?? value;
}

/** What a consumer died of; the records themselves, when they are packed in a way that it does not know. */
function consumerFailure(options: TopicReaderOptions, error: unknown): unknown {
  if (!(error instanceof ConsumerFailed)) return error;
  if (!error.packing) return unreachable(options, error);
  return unusable(options.topic, `its records cannot be read: ${error.message}`);
}

function unreachable({ brokers, topic }: TopicReaderOptions, error: unknown): StranglerError {
  return kafkaUnreachable(brokers, topic, error);
}
