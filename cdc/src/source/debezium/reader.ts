import { pause, StranglerError } from '@strangler/errors';
import type { Lsn } from '@strangler/postgres';
import type { Admin, Kafka } from 'kafkajs';
import type { ChangeEvent } from '../change.ts';
import type { Reader } from '../reader.ts';
import { ConsumerFailed, openConsumer } from './consumer.ts';
import { Flow } from './flow.ts';
import { isObject } from './json.ts';
import { parseJson } from './json-reader.ts';
import { kafkaOf, kafkaUnreachable } from './kafka.ts';
import { type PackedPiece, type PieceRecord, recordsOf } from './piece.ts';
import { type DebeziumRecord, lastRecordKey, RecordReader, type Row, rowOf } from './record.ts';
import { checkRange, ensureTopic, type TopicRange, topicRange, unusable } from './topic.ts';
import {
  DebeziumTranslator,
  MalformedRecord,
  positionOf,
  type SourceTable,
  type TopicRecord,
} from './translate.ts';
import { UnreadableValue } from './value.ts';

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

/**
 * Reads a topic from the bookmark in the target's database; the consumer group's offsets mean nothing (trap 73).
 * @throws StranglerError STREAM_STOPPED when the topic cannot go on, CONNECT_UNREACHABLE when Kafka does not answer
 */
export async function openTopicReader(options: TopicReaderOptions): Promise<TopicReader> {
  const { brokers, topic, bookmark } = options;
  const session = new TopicSession(options);
  const consumer = openConsumer({ brokers, topic, take: (piece) => session.takePiece(piece) });
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  consumer.ended.catch((error: unknown) => ended.reject(consumerFailure(options, error)));
  const kafka = kafkaOf(brokers);
  const admin = kafka.admin();
  let timer: NodeJS.Timeout | undefined;
  const close = async () => {
    clearInterval(timer);
    session.end();
    await consumer.close();
    await admin.disconnect().catch(() => {});
  };
  try {
    const range = await rangeOf(admin, options).catch((error: unknown) => {
      throw unreachable(options, error);
    });
    const from = bookmark === null || bookmark < range.first ? range.first : bookmark;
    session.begin(from);
    timer = setInterval(() => watch(options, admin, session, ended.reject), watchMs);
    await Promise.race([consumer.read(from), ended.promise]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ended: ended.promise,
    // The bookmark is in the target's own transaction: Kafka needs no word from us.
    confirm: () => {},
    pause: () => session.pause(),
    resume: () => session.resume(),
    sourceNowMs: () => undefined,
    bookmarkAt: (position) => session.bookmarkAt(position),
    readToEnd: async (signal) => {
      const last = await writeLast(kafka, options.topic).catch((error: unknown) => {
        throw unreachable(options, error);
      });
      while (session.read === null || session.read < last) await pause(50, signal);
      session.hearsNoMore();
    },
    close,
  };
}

/** What the topic has, if it can be read from the bookmark on. */
async function rangeOf(admin: Admin, { topic, bookmark }: TopicReaderOptions): Promise<TopicRange> {
  await admin.connect();
  await ensureTopic(admin, topic);
  const range = await topicRange(admin, topic);
  checkRange(topic, range, bookmark);
  return range;
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
  readonly #reader = new RecordReader();
  readonly #marks: { readonly position: Lsn; readonly offset: bigint }[] = [];
  #read: bigint | null;
  #applied: bigint | null;
  /** Whether the record at the bookmark must still be seen. */
  #unproven: boolean;
  /** The one that is being translated. */
  #record: PieceRecord | undefined;
  #heardAt = performance.now();
  #heardAll = false;
  readonly #flow = new Flow();

  constructor(options: TopicReaderOptions) {
    this.#options = options;
    this.#translator = new DebeziumTranslator(options.tables, (event) => this.#tell(event));
    this.#read = options.bookmark;
    this.#applied = options.bookmark;
    this.#unproven = options.bookmark !== null;
  }

  /** Says with which record it will begin. */
  begin(from: bigint): void {
    this.#heardAt = performance.now();
    this.#unproven = this.#unproven && from <= (this.#options.bookmark ?? from);
  }

  /** Nothing more will come: silence then says nothing. */
  hearsNoMore(): void {
    this.#heardAll = true;
  }

  pause(): void {
    this.#flow.pause();
  }

  resume(): void {
    this.#heardAt = performance.now();
    this.#flow.resume();
  }

  /** What is still on its way is passed over. */
  end(): void {
    this.#flow.end();
  }

  get silentForMs(): number {
    return this.#flow.isPaused || this.#heardAll ? 0 : performance.now() - this.#heardAt;
  }

  get read(): bigint | null {
    return this.#read;
  }

  async takePiece(piece: PackedPiece): Promise<void> {
    await this.#flow.takeAll(recordsOf(piece), (record) => this.#take(record));
  }

  #take(record: PieceRecord): void {
    this.#heardAt = performance.now();
    if (this.#unproven) this.#prove(record);
    // Before the consumer has found its place, and after a rebalance, records come again.
    if (this.#read !== null && record.offset <= this.#read) return;
    const position = this.#translate(record);
    this.#read = record.offset;
    if (position === undefined) return;
    this.#marks.push({ position, offset: record.offset });
    this.#options.onPosition(position);
  }

  /**
   * The record at the bookmark must be one that is applied. A topic made anew has another one there, or none (trap 84);
   * and if that one is applied, too, so is all before it: the order is the source's.
   */
  #prove(record: PieceRecord): void {
    const { topic, bookmark, applied } = this.#options;
    if (bookmark !== null && record.offset < bookmark) return;
    const position = record.offset === bookmark ? this.#positionOf(record) : undefined;
    if (position === undefined || position > applied)
      throw unusable(topic, `its record ${bookmark} is not the one that was applied: it was made anew`);
    this.#unproven = false;
  }

  /** Undefined also of one that is none of the connector's. */
  #positionOf(record: PieceRecord): Lsn | undefined {
    try {
      const { value } = new ReadRecord(record, this.#reader);
      return value ? positionOf(value) : undefined;
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  }

  bookmarkAt(position: Lsn): bigint | null {
    let done = 0;
    while (done < this.#marks.length && (this.#marks[done]?.position ?? position + 1n) <= position) done += 1;
    if (done > 0) this.#applied = this.#marks[done - 1]?.offset ?? this.#applied;
    this.#marks.splice(0, done);
    return this.#applied;
  }

  #translate(record: PieceRecord): Lsn | undefined {
    this.#record = record;
    try {
      return this.#translator.translate(new ReadRecord(record, this.#reader));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      throw unusable(this.#options.topic, `its record ${record.offset} cannot be read: ${error.message}`);
    }
  }

  #tell(event: ChangeEvent): void {
    const { offset, size } = this.#record ?? { offset: -1n, size: 0 };
    if (event.kind === 'commit') this.#marks.push({ position: event.position, offset });
    this.#options.onEvent(event, size / 2);
  }
}

/** A record of a piece whose value is read. Its keys are read when somebody asks for them. */
class ReadRecord implements TopicRecord {
  readonly value: DebeziumRecord | null;
  readonly #record: PieceRecord;
  readonly #reader: RecordReader;

  constructor(record: PieceRecord, reader: RecordReader) {
    const place = record.value();
    this.value = place && reader.read(place.text, place.start, place.end);
    this.#record = record;
    this.#reader = reader;
  }

  get rekeyed(): boolean {
    return this.#record.rekeyed;
  }

  key(): Row | null {
    const place = this.#record.key();
    return place && this.#reader.readRow(place.text, place.start, place.end);
  }

  oldKey(): Row | null {
    const place = this.#record.oldKey();
    if (!place) return null;
    const wrapped = parseJson(place.text.bytes.toString('utf8', place.start, place.end));
    // Headers have a converter of their own, which wraps the value into its schema.
    const isWrapped = isObject(wrapped) && wrapped['schema'] !== undefined;
    const key = rowOf(isWrapped ? (wrapped['payload'] ?? wrapped) : wrapped);
    if (!key) throw new MalformedRecord('the old key of an update is no row');
    return key;
  }
}

function isUnreadable(error: unknown): error is Error {
  return error instanceof MalformedRecord || error instanceof UnreadableValue || error instanceof SyntaxError;
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
