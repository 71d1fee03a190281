import { messageOf, StranglerError } from '@strangler/errors';
import { type Lsn, laterLsn } from '@strangler/postgres';
import { type Consumer, type EachBatchPayload, Kafka, logLevel } from 'kafkajs';
import type { Reader, ReaderOptions } from '../reader.ts';
import type { SourceTable } from './columns.ts';
import { DebeziumTranslator, type TopicRecord } from './translate.ts';

export interface GrownReaderOptions extends Pick<ReaderOptions, 'start' | 'onEvent' | 'onPosition'> {
  readonly kafka: readonly string[];
  readonly topic: string;
  readonly group: string;
  readonly tables: ReadonlyMap<string, SourceTable>;
  /** Where the last run stopped, as `bookmarkAt` gave it; null reads from the topic's beginning. */
  readonly bookmark: string | null;
}

export interface GrownReader extends Reader {
  /** The bookmark of everything up to the position. */
  bookmarkAt(position: Lsn): string | undefined;
}

/** Our own heartbeats come every 250 ms: a consumer that is silent for so long has stopped, or its connector has. */
const silentMs = 60_000;

/**
 * Reads Debezium's one topic from the bookmark. Consumer group offsets are not used: the bookmark lies with the rows.
 * @throws StranglerError STREAM_STOPPED when the topic no longer has what follows the bookmark (traps 76, 84).
 */
export async function openGrownReader(options: GrownReaderOptions): Promise<GrownReader> {
  const kafka = new Kafka({
    clientId: options.group,
    brokers: [...options.kafka],
    logLevel: logLevel.NOTHING,
    retry: { retries: 30, maxRetryTime: 2_000, restartOnFailure: async () => false },
  });
  const next = await nextOffset(kafka, options);
  const consumer = kafka.consumer({ groupId: options.group, maxWaitTimeInMs: 100, readUncommitted: false });
  const session = new GrownSession(options, consumer, next);
  try {
    await session.start();
  } catch (error) {
    await session.close();
    throw kafkaFailed(options, messageOf(error), error);
  }
  return session;
}

/** The offset after the bookmark, checked against what the topic still has. */
async function nextOffset(
  kafka: Kafka,
  { topic, bookmark, kafka: brokers }: GrownReaderOptions,
): Promise<bigint> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const [range] = await admin.fetchTopicOffsets(topic);
    const [low, high] = [BigInt(range?.low ?? '0'), BigInt(range?.high ?? '0')];
    if (bookmark === null) {
      if (low > 0n) throw topicLost(topic, `its first record is ${low}, and nothing of it was applied`);
      return 0n;
    }
    const at = bookmark.lastIndexOf('@');
    if (bookmark.slice(0, at) !== topic)
      throw topicLost(topic, `the bookmark is of ${bookmark.slice(0, at)}`);
    const next = BigInt(bookmark.slice(at + 1)) + 1n;
    if (next < low) throw topicLost(topic, `records ${next} to ${low - 1n} have expired`);
    if (next > high) throw topicLost(topic, `it ends at ${high}, before ${next}: it was made anew`);
    return next;
  } catch (error) {
    if (error instanceof StranglerError) throw error;
    throw kafkaFailed({ topic, kafka: brokers }, messageOf(error), error);
  } finally {
    await admin.disconnect();
  }
}

/** One consumer, and how far it is. */
class GrownSession implements GrownReader {
  readonly #options: GrownReaderOptions;
  readonly #consumer: Consumer;
  readonly #translator: DebeziumTranslator;
  readonly #ended = Promise.withResolvers<never>();
  /** Positions and the offsets that reach them, in order; pruned as they are confirmed. */
  #marks: { readonly position: Lsn; readonly offset: string }[] = [];
  #position: Lsn;
  #next: bigint;
  #resumed: PromiseWithResolvers<void> | undefined;
  #heardAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: GrownReaderOptions, consumer: Consumer, next: bigint) {
    this.#options = options;
    this.#consumer = consumer;
    this.#translator = new DebeziumTranslator(options.tables);
    this.#position = options.start;
    this.#next = next;
    this.#ended.promise.catch(() => {});
  }

  get ended(): Promise<never> {
    return this.#ended.promise;
  }

  async start(): Promise<void> {
    const { CRASH, STOP, DISCONNECT } = this.#consumer.events;
    // kafkajs reports a batch that it cannot read by nothing but this event, and stops.
    this.#consumer.on(CRASH, ({ payload }) => this.#fail(payload.error.message, payload.error));
    for (const event of [STOP, DISCONNECT])
      this.#consumer.on(event, () => this.#fail('the consumer stopped'));
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [this.#options.topic], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => await this.#take(payload),
    });
    this.#seek();
    this.#timer = setInterval(() => {
      if (!this.#resumed && performance.now() - this.#heardAt > silentMs)
        this.#fail(`nothing arrived for ${silentMs / 1_000} s, not even our own heartbeats`);
    }, 1_000);
  }

  #seek(): void {
    this.#consumer.seek({ topic: this.#options.topic, partition: 0, offset: this.#next.toString() });
  }

  async #take({ batch, resolveOffset, heartbeat, isRunning, isStale }: EachBatchPayload): Promise<void> {
    const { topic } = this.#options;
    for (const message of batch.messages) {
      await this.#untilResumed(heartbeat);
      if (this.#over || !isRunning() || isStale()) return;
      const offset = BigInt(message.offset);
      resolveOffset(message.offset);
      // After a rebalance the group may begin before us (trap 72).
      if (offset < this.#next) continue;
      this.#heardAt = performance.now();
      try {
        const header = (name: string) => message.headers?.[name]?.toString();
        const value = message.value?.toString('utf8') ?? null;
        const record = { value, newKey: header('__debezium.newkey'), oldKey: header('__debezium.oldkey') };
        this.#pass(record, message.offset, message.value?.length ?? 0);
      } catch (error) {
        this.#over = true;
        this.#ended.reject(unreadable(topic, message.offset, error));
        return;
      }
      this.#next = offset + 1n;
    }
    await heartbeat();
  }

  #pass(record: TopicRecord, offset: string, bytes: number): void {
    for (const event of this.#translator.translate(record)) {
      if (event.kind === 'position') {
        this.#mark(event.position, offset);
        this.#options.onPosition(this.#position);
        continue;
      }
      if (event.kind === 'commit') this.#mark(event.position, offset);
      this.#options.onEvent(event, bytes);
    }
  }

  #mark(position: Lsn, offset: string): void {
    this.#position = laterLsn(this.#position, position);
    this.#marks.push({ position: this.#position, offset });
  }

  async #untilResumed(heartbeat: () => Promise<void>): Promise<void> {
    while (this.#resumed && !this.#over) {
      const beat = Promise.withResolvers<void>();
      const timer = setTimeout(() => beat.resolve(), 1_000);
      await Promise.race([this.#resumed.promise, beat.promise]);
      clearTimeout(timer);
      await heartbeat();
    }
  }

  bookmarkAt(position: Lsn): string | undefined {
    const mark = this.#marks.findLast((each) => each.position <= position);
    return mark ? `${this.#options.topic}@${mark.offset}` : undefined;
  }

  confirm(position: Lsn): void {
    const past = this.#marks.findIndex((each) => each.position > position);
    const keep = past < 0 ? this.#marks.length - 1 : past - 1;
    if (keep > 0) this.#marks = this.#marks.slice(keep);
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#heardAt = performance.now();
    this.#resumed?.resolve();
    this.#resumed = undefined;
  }

  /** Records carry the commit's time on the source's clock, and nothing that says what it is now. */
  sourceNowMs(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#over = true;
    clearInterval(this.#timer);
    this.#resumed?.resolve();
    this.#resumed = undefined;
    await this.#consumer.disconnect().catch(() => {});
  }

  #fail(what: string, cause?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#ended.reject(kafkaFailed(this.#options, what, cause));
  }
}

function kafkaFailed(
  { topic, kafka }: { readonly topic: string; readonly kafka: readonly string[] },
  what: string,
  cause: unknown,
): StranglerError {
  return new StranglerError(
    'CONNECTOR_FAILED',
    `Topic ${topic} at ${kafka.join(', ')} is not read: ${what}.`,
    'Check that brokers and Connect run; the stream goes on by itself from its bookmark.',
    { cause },
  );
}

function topicLost(topic: string, why: string): StranglerError {
  return new StranglerError(
    'STREAM_STOPPED',
    `Topic ${topic} does not have what comes after the bookmark: ${why}.`,
    'Changes are missing, so the copy cannot be caught up: run `strangler cancel`, then `strangler sync`.',
  );
}

function unreadable(topic: string, offset: string, error: unknown): StranglerError {
  return new StranglerError(
    'STREAM_STOPPED',
    `Record ${offset} of topic ${topic} cannot be applied: ${messageOf(error)}.`,
    'Nothing was skipped. If the table changed, make the same change on the other side and restart the stream; else run `strangler cancel`, then `strangler sync`.',
    { cause: error },
  );
}
