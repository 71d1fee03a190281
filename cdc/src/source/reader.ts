import { messageOf, StranglerError } from '@strangler/errors';
import {
  connectionError,
  formatLsn,
  type Lsn,
  laterLsn,
  literal,
  replicationClient,
} from '@strangler/postgres';
import type { ChangeEvent } from './change.ts';
import { copyBoth } from './copy-both.ts';
import { decodeFrame, encodeStatus, type Frame } from './frame.ts';
import { decodePgoutput } from './pgoutput.ts';
import { PgoutputTranslator } from './translate.ts';

export interface ReaderOptions {
  /** The source's database. */
  readonly url: string;
  /** What pg_stat_activity shows. */
  readonly name: string;
  readonly slot: string;
  readonly publication: string;
  /** Everything up to here is durable in the target. */
  readonly start: Lsn;
  /** Takes an event and the bytes it came in; must not wait. */
  readonly onEvent: (event: ChangeEvent, bytes: number) => void;
  /** Everything before the position has been sent, and no transaction is half sent. */
  readonly onPosition: (position: Lsn) => void;
  /** How often to ask an idle source where it is. */
  readonly askEveryMs: () => number;
}

export interface Reader {
  /** Rejects when the stream ends by itself. */
  readonly ended: Promise<never>;
  /** Tells the source from now on that everything up to here is durable in the target. */
  confirm(position: Lsn): void;
  /** Backpressure: stops reading the socket; statuses go on. */
  pause(): void;
  resume(): void;
  /** The source's clock now, by its last message; undefined before one came. */
  sourceNowMs(): number | undefined;
  close(): Promise<void>;
}

/** How long a source may hear nothing from us; far below any wal_sender_timeout in use (default 60 s). */
const statusEveryMs = 1_000;
const tickMs = 20;
const startMs = 30_000;

/**
 * Reads a slot through the replication protocol. Statuses are sent by a timer of their own, so that neither a slow
 * apply nor a paused socket ends the connection (trap 21), and confirm only what the target made durable (trap 2).
 * @throws StranglerError DATABASE_UNREACHABLE, ROLE_REFUSED or SLOT_LOST.
 */
export async function openReader(options: ReaderOptions): Promise<Reader> {
  const client = replicationClient({ url: options.url, role: 'source', name: options.name });
  try {
    await client.connect();
  } catch (error) {
    throw connectionError({ url: options.url, role: 'source' }, error);
  }
  const connection = copyBoth(client);
  const session = new Session(options, (bytes) => connection.send(bytes));
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  connection.onData((chunk) => {
    try {
      session.receive(chunk);
    } catch (error) {
      ended.reject(unreadable(options, error));
      connection.destroy();
    }
  });
  const command =
    `START_REPLICATION SLOT "${options.slot}" LOGICAL ${formatLsn(options.start)} (proto_version '1', ` +
    `publication_names ${literal(`"${options.publication}"`)}, messages 'true')`;
  client.query(command).then(
    () => ended.reject(unreachable(options, 'the server ended the stream')),
    (error: unknown) => ended.reject(startError(options, error)),
  );
  client.once('end', () => ended.reject(unreachable(options, 'the connection was closed')));
  const late = setTimeout(
    () => ended.reject(unreachable(options, `it did not start within ${startMs} ms`)),
    startMs,
  );
  try {
    await Promise.race([connection.started, ended.promise]);
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    clearTimeout(late);
  }
  const timer = setInterval(() => session.tick(), tickMs);
  return {
    ended: ended.promise,
    confirm: (position) => session.confirm(position),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    sourceNowMs: () => session.sourceNowMs(),
    close: async () => {
      clearInterval(timer);
      session.report(false);
      await connection.end();
    },
  };
}

/** What one connection has received, confirmed and asked. */
class Session {
  readonly #options: ReaderOptions;
  readonly #send: (bytes: Buffer) => void;
  readonly #translator = new PgoutputTranslator();
  #received: Lsn;
  #durable: Lsn;
  #reportedAt = 0;
  #askedAt = 0;
  #asking = false;
  /** Source clock minus our monotonic clock. */
  #clockOffsetMs: number | undefined;

  constructor(options: ReaderOptions, send: (bytes: Buffer) => void) {
    this.#options = options;
    this.#send = send;
    this.#received = options.start;
    this.#durable = options.start;
  }

  receive(chunk: Buffer): void {
    const frame = decodeFrame(chunk);
    this.#clockOffsetMs = frame.sentMs - performance.now();
    if (frame.kind === 'keepalive') this.#keepalive(frame);
    else {
      for (const event of this.#translator.translate(decodePgoutput(frame.payload))) {
        if (event.kind === 'commit') this.#received = laterLsn(this.#received, event.position);
        this.#options.onEvent(event, frame.payload.length);
      }
    }
  }

  #keepalive(frame: Extract<Frame, { kind: 'keepalive' }>): void {
    this.#asking = false;
    // Inside a transaction the position says nothing about it.
    if (!this.#translator.inTransaction) {
      this.#received = laterLsn(this.#received, frame.position);
      this.#options.onPosition(frame.position);
    }
    if (frame.replyNow) this.report(false);
  }

  confirm(position: Lsn): void {
    this.#durable = laterLsn(this.#durable, position);
  }

  tick(): void {
    const now = performance.now();
    const ask = !this.#asking && now - this.#askedAt >= this.#options.askEveryMs();
    if (ask || now - this.#reportedAt >= statusEveryMs) this.report(ask);
  }

  report(replyNow: boolean): void {
    const now = performance.now();
    this.#reportedAt = now;
    if (replyNow) {
      this.#askedAt = now;
      this.#asking = true;
    }
    this.#send(
      encodeStatus({ received: this.#received, durable: this.#durable, nowMs: Date.now(), replyNow }),
    );
  }

  sourceNowMs(): number | undefined {
    return this.#clockOffsetMs === undefined ? undefined : performance.now() + this.#clockOffsetMs;
  }
}

function unreachable(options: ReaderOptions, what: string): StranglerError {
  return connectionError({ url: options.url, role: 'source' }, new Error(`replication stopped, ${what}`));
}

function unreadable(options: ReaderOptions, error: unknown): StranglerError {
  return new StranglerError(
    'STREAM_STOPPED',
    `The slot ${options.slot} sent what cannot be read: ${messageOf(error)}.`,
    'Nothing was skipped. Report it with the PostgreSQL version; `strangler cancel`, then `sync` starts again.',
    { cause: error },
  );
}

function startError(options: ReaderOptions, error: unknown): StranglerError {
  const state = error instanceof Error && 'code' in error ? error.code : undefined;
  // 42704 undefined slot; 55000 invalidated, or its WAL was removed.
  if (state !== '42704' && state !== '55000') return unreachable(options, messageOf(error));
  return slotLost(options.slot, messageOf(error), error);
}

/** A slot that cannot go on has lost changes: a new one in its place would skip them (trap 16). */
export function slotLost(slot: string, why: string, cause?: unknown): StranglerError {
  return new StranglerError(
    'SLOT_LOST',
    `The replication slot ${slot} cannot go on: ${why}.`,
    'Changes are missing, so the copy cannot be caught up: run `strangler cancel`, then `strangler sync`.',
    { cause },
  );
}
