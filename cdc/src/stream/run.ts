import {
  connectorName,
  originName,
  otherDirection,
  publicationName,
  sourceOf,
  stopStream,
  targetOf,
  topicName,
} from '@strangler/ledger';
import { type Lsn, laterLsn } from '@strangler/postgres';
import type { Logger } from 'pino';
import { applyFailure, type SequenceValues, Sink } from '../apply/index.ts';
import { Assembler, Backlog, type Batch } from '../assemble/index.ts';
import { openGrownReader, readSourceTables } from '../source/debezium/index.ts';
import { openReader, type Reader, type ReaderOptions } from '../source/index.ts';
import { grownOf, growUp, returned, startConnector, stopForReturn, watchConnector } from './grown.ts';
import { LagMeter } from './lag.ts';
import { currentPosition, monitorSource } from './monitor.ts';
import { Pace } from './pace.ts';
import { type PlantedBug, plantedBug } from './planted-bug.ts';
import { databaseOf, openSession, type Session, type StreamName } from './session.ts';

export interface StreamOptions extends StreamName {
  /** Ends the stream between two transactions. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Who runs it, for `status`. */
  readonly holder: string;
}

/** A target transaction takes about so many changes of small ones. */
const batchChanges = 2_000;
const spillBytes = 64 << 20;
const pauseBytes = 32 << 20;
const resumeBytes = 8 << 20;
const sequencesEveryMs = 1_000;

/**
 * Carries one direction of one extraction until the signal aborts.
 * @throws StranglerError when it cannot go on; the reason stands in the checkpoint, too.
 */
export async function runStream(options: StreamOptions): Promise<void> {
  const where = `the ${targetOf[options.direction]}'s database`;
  const session = await openSession(options, options.holder, options.signal).catch((error: unknown) => {
    throw options.signal.aborted ? error : applyFailure(error, where);
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let again = false;
  try {
    if (session.checkpoint.engine === 'debezium' && options.extraction.engine === 'embedded') {
      const until = await stopForReturn(options, session.source, session.checkpoint, signal);
      await new Stream(options, session, signal, until).run(stop);
      if (!options.signal.aborted) {
        await returned(options, session, options.signal);
        again = true;
      }
    } else {
      const checkpoint =
        options.extraction.engine === 'debezium' && session.checkpoint.engine === 'embedded'
          ? await growUp(options, session, signal)
          : session.checkpoint;
      await new Stream(options, { ...session, checkpoint }, signal).run(stop);
    }
  } catch (error) {
    const failure = applyFailure(error, where);
    const stream = {
      extraction: options.extraction.name,
      direction: options.direction,
      lease: session.lease,
    };
    // Without a connection the age of the checkpoint says that nobody applies.
    await stopStream(session.target, stream, failure.message).catch(() => {});
    throw failure;
  } finally {
    await session.close();
  }
  if (again) await runStream(options);
}

/** The parts of a running stream and how they meet: reader → assembler → backlog → sink → confirmation. */
class Stream {
  readonly #options: StreamOptions;
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #backlog = new Backlog();
  readonly #lag = new LagMeter();
  readonly #pace: Pace;
  readonly #sink: Sink;
  readonly #bug: PlantedBug;
  #reader: Reader | undefined;
  #paused = false;
  #pending: Lsn | undefined;
  #sequences: SequenceValues | undefined;
  #sequencesAt = 0;
  #bookmarkAt: ((position: Lsn) => string | undefined) | undefined;
  #received: Lsn;
  readonly #until: Lsn | undefined;

  /** @param until ends once so much is applied: the rest is another engine's. */
  constructor(options: StreamOptions, session: Session, signal: AbortSignal, until?: Lsn) {
    this.#until = until;
    this.#received = session.checkpoint.applied;
    this.#options = options;
    this.#session = session;
    this.#signal = signal;
    this.#bug = plantedBug();
    const { extraction, direction, log } = options;
    const { target, lease, plans, checkpoint } = session;
    this.#sink = new Sink({
      client: target,
      extraction: extraction.name,
      direction,
      lease,
      plans,
      applied: checkpoint.applied,
      view: { epoch: checkpoint.sourceEpoch, state: checkpoint.sourceState },
      isEcho: (origin) => this.#isEcho(origin),
      lag: (applied, commitTime) => this.#lagAt(applied, commitTime),
      bookmark: (position) => this.#bookmarkAt?.(position),
      notice: (what, detail) => log.warn(detail, what),
    });
    this.#pace = new Pace(() => this.#sink.view.state);
  }

  async run(stop: AbortController): Promise<void> {
    const { source, checkpoint, behindMs } = this.#session;
    this.#lag.sample(await currentPosition(source), behindMs);
    const assembler = new Assembler({
      spillBytes,
      skipRows: (origin) => this.#isEcho(origin),
      onTransaction: (transaction) => {
        // A source may send again what it was never told to be durable (trap 32).
        if (transaction.position > this.#received) {
          this.#received = transaction.position;
          this.#backlog.add(transaction);
        } else transaction.discard();
      },
    });
    const { extraction, direction, log } = this.#options;
    const debezium = checkpoint.engine === 'debezium';
    const reader = await this.#open({
      start: checkpoint.applied,
      onEvent: (event, bytes) => {
        assembler.take(
          this.#bug.alters(event, (origin) => this.#isEcho(origin)),
          bytes,
        );
        this.#holdBack();
      },
      onPosition: (position) => this.#backlog.reach(position),
    });
    this.#reader = reader;
    log.info({ extraction: extraction.name, direction, applied: checkpoint.applied.toString() }, 'following');
    const monitor = monitorSource({
      source,
      sequences: this.#session.plans.flatMap((plan) => plan.sequences),
      lag: this.#lag,
      onSequences: (values) => {
        this.#sequences = values;
      },
      heartbeats: debezium && this.#until === undefined,
      signal: this.#signal,
    });
    const watch =
      debezium && this.#until === undefined
        ? watchConnector(this.#options.config, checkpoint, this.#signal)
        : monitor;
    const loop = this.#applyAll();
    try {
      await Promise.race([loop, monitor, watch, reader.ended]);
    } finally {
      stop.abort();
      await Promise.allSettled([loop, monitor, watch]);
      await reader.close();
      assembler.discard();
      this.#backlog.discard();
    }
  }

  async #open(events: Pick<ReaderOptions, 'start' | 'onEvent' | 'onPosition'>): Promise<Reader> {
    const { source, checkpoint, plans } = this.#session;
    const { config, extraction, direction } = this.#options;
    if (checkpoint.engine === 'embedded')
      return await openReader({
        ...events,
        url: databaseOf(this.#options, sourceOf[direction]),
        name: `${direction} ${extraction.name}`,
        slot: checkpoint.slot,
        publication: publicationName(config.environment, extraction.name),
        askEveryMs: () => this.#pace.everyMs(),
      });
    if (this.#until === undefined) await startConnector(this.#options, source, checkpoint, this.#signal);
    const ownership = { schema: 'strangler', name: 'ownership' };
    const reader = await openGrownReader({
      ...events,
      kafka: grownOf(config).kafka,
      topic: topicName(checkpoint.slot, checkpoint.attempt),
      group: connectorName(checkpoint.slot, checkpoint.attempt),
      bookmark: checkpoint.bookmark,
      tables: await readSourceTables(source, [...plans.map((plan) => plan.source), ownership]),
    });
    this.#bookmarkAt = (position) => reader.bookmarkAt(position);
    return reader;
  }

  async #applyAll(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#backlog.wait(this.#pace.dueInMs(this.#pending !== undefined), this.#signal);
      if (this.#signal.aborted || this.#drained) return;
      const batch = this.#backlog.take(batchChanges);
      if (this.#paused && this.#backlog.bytes < resumeBytes) {
        this.#paused = false;
        this.#reader?.resume();
      }
      try {
        await this.#apply(batch);
      } finally {
        for (const transaction of batch.transactions) transaction.discard();
      }
      this.#reader?.confirm(this.#sink.applied);
    }
  }

  /** Whether all that was wanted is applied. */
  get #drained(): boolean {
    return this.#until !== undefined && this.#sink.applied >= this.#until;
  }

  async #apply(batch: Batch): Promise<void> {
    if (batch.transactions.some((each) => this.#sink.concerns(each))) {
      await this.#sink.apply({
        ...batch,
        transactions: batch.transactions.filter((each) => !this.#bug.drops(each)),
      });
      this.#pending = undefined;
      this.#pace.wrote(true);
      const sequences = this.#dueSequences();
      if (sequences) await this.#sink.moveTo(this.#sink.applied, sequences);
      return;
    }
    // Nothing for the target up to here: echo, or changes of tables that are not ours. It can wait for its turn.
    if (batch.position !== undefined)
      this.#pending = laterLsn(this.#pending ?? batch.position, batch.position);
    if (this.#pace.dueInMs(this.#pending !== undefined) > 0) return;
    await this.#sink.moveTo(
      laterLsn(this.#pending ?? this.#sink.applied, this.#sink.applied),
      this.#dueSequences(),
    );
    this.#pending = undefined;
    this.#pace.wrote(false);
  }

  /** The source's sequences, about every second while the source owns. */
  #dueSequences(): SequenceValues | undefined {
    const now = performance.now();
    if (this.#sink.view.state === 'closed' || now - this.#sequencesAt < sequencesEveryMs) return undefined;
    const values = this.#sequences;
    this.#sequences = undefined;
    if (values) this.#sequencesAt = now;
    return values;
  }

  #isEcho(origin: string | null): boolean {
    const { config, extraction, direction } = this.#options;
    return (
      origin !== null && origin === originName(config.environment, extraction.name, otherDirection[direction])
    );
  }

  #lagAt(applied: Lsn, commitTime: string | null) {
    const sourceNowMs = this.#reader?.sourceNowMs();
    if (commitTime === null || sourceNowMs === undefined) return this.#lag.lag(applied);
    const timeMs = Date.parse(`${commitTime.slice(0, 10)}T${commitTime.slice(11, 23)}Z`);
    return this.#lag.lag(applied, { timeMs, sourceNowMs });
  }

  #holdBack(): void {
    if (this.#paused || this.#backlog.bytes < pauseBytes) return;
    this.#paused = true;
    this.#reader?.pause();
  }
}
