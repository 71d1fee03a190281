import { originName, otherDirection, stopStream, targetOf } from '@strangler/ledger';
import { type Lsn, laterLsn } from '@strangler/postgres';
import type { Logger } from 'pino';
import { applyFailure, type SequenceValues, Sink } from '../apply/index.ts';
import { Assembler, Backlog, type Batch } from '../assemble/index.ts';
import { type OpenSource, openSource } from './engine.ts';
import { LagMeter } from './lag.ts';
import { currentPosition, monitorSource } from './monitor.ts';
import { Pace } from './pace.ts';
import { type PlantedBug, plantedBug } from './planted-bug.ts';
import { openSession, type Session, type StreamName } from './session.ts';

export interface StreamOptions extends StreamName {
  /** Ends the stream between two transactions. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Who runs it, for `status`. */
  readonly holder: string;
}

/** A target transaction takes about so many changes of small ones. */
const batchChanges = 4_000;
const spillBytes = 64 << 20;
/** Some batches: what waits as objects costs the garbage collector more than as bytes, where the reader keeps it. */
const pauseBytes = 8 << 20;
const resumeBytes = 4 << 20;
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
  try {
    await new Stream(options, session, signal).run(stop);
  } catch (error) {
    // Asked to end: what was under way fails of that, which says nothing of the stream.
    if (options.signal.aborted) throw error;
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
  #source: OpenSource | undefined;
  #paused = false;
  #pending: Lsn | undefined;
  #sequences: SequenceValues | undefined;
  #sequencesAt = 0;

  constructor(options: StreamOptions, session: Session, signal: AbortSignal) {
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
      bookmark: (applied) => this.#source?.bookmarkAt(applied) ?? null,
      notice: (what, detail) => log.warn(detail, what),
    });
    this.#pace = new Pace(() => this.#sink.view.state);
  }

  async run(stop: AbortController): Promise<void> {
    const { source, checkpoint, behindMs } = this.#session;
    this.#lag.sample(await currentPosition(source), behindMs);
    let received = checkpoint.applied;
    const assembler = new Assembler({
      spillBytes,
      skipRows: (origin) => this.#isEcho(origin),
      onTransaction: (transaction) => {
        // A source may send again what it was never told to be durable (trap 32), and a topic may hold it twice.
        if (transaction.position <= received) return transaction.discard();
        received = transaction.position;
        this.#backlog.add(transaction);
      },
    });
    const { extraction, direction, log } = this.#options;
    const discard = () => {
      assembler.discard();
      this.#backlog.discard();
    };
    const opened = await this.#open(assembler).catch((error: unknown) => {
      discard();
      throw error;
    });
    this.#source = opened;
    log.info({ extraction: extraction.name, direction, applied: checkpoint.applied.toString() }, 'following');
    const monitor = monitorSource({
      source,
      sequences: this.#session.plans.flatMap((plan) => plan.sequences),
      lag: this.#lag,
      onSequences: (values) => {
        this.#sequences = values;
      },
      signal: this.#signal,
    });
    const loop = this.#applyAll();
    const tasks = [loop, monitor, ...opened.beside.map((start) => start())];
    try {
      await Promise.race([...tasks, opened.reader.ended]);
    } finally {
      stop.abort();
      await Promise.allSettled(tasks);
      await opened.reader.close();
      discard();
    }
    await opened.ended();
  }

  #open(assembler: Assembler): Promise<OpenSource> {
    const { checkpoint } = this.#session;
    return openSource({
      stream: this.#options,
      session: this.#session,
      signal: this.#signal,
      onEvent: (event, bytes) => {
        assembler.take(
          this.#bug.alters(event, (origin) => this.#isEcho(origin)),
          bytes,
        );
        this.#holdBack();
      },
      // A connector starts before the checkpoint's position, so that its positions may be older.
      onPosition: (position) => this.#backlog.reach(laterLsn(position, checkpoint.applied)),
      askEveryMs: () => this.#pace.everyMs(),
      applied: () => this.#sink.applied,
    });
  }

  async #applyAll(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#backlog.wait(this.#pace.dueInMs(this.#pending !== undefined), this.#signal);
      if (this.#signal.aborted) return;
      const batch = this.#backlog.take(batchChanges);
      if (this.#paused && this.#backlog.bytes < resumeBytes) {
        this.#paused = false;
        this.#source?.reader.resume();
      }
      try {
        await this.#apply(batch);
      } finally {
        for (const transaction of batch.transactions) transaction.discard();
      }
      this.#source?.reader.confirm(this.#sink.applied);
    }
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
    const sourceNowMs = this.#source?.reader.sourceNowMs();
    if (commitTime === null || sourceNowMs === undefined) return this.#lag.lag(applied);
    const timeMs = Date.parse(`${commitTime.slice(0, 10)}T${commitTime.slice(11, 23)}Z`);
    return this.#lag.lag(applied, { timeMs, sourceNowMs });
  }

  #holdBack(): void {
    // While it opens, little comes.
    if (this.#paused || !this.#source || this.#backlog.bytes < pauseBytes) return;
    this.#paused = true;
    this.#source.reader.pause();
  }
}
