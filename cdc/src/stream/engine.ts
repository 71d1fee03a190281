import { pause, StranglerError } from '@strangler/errors';
import { publicationName, sourceOf, useEngine } from '@strangler/ledger';
import type { Lsn } from '@strangler/postgres';
import type { Logger } from 'pino';
import { leaseLost } from '../apply/index.ts';
import { openReader, type Reader, type ReaderOptions } from '../source/index.ts';
import { dropGrown, openGrown, openReturn } from './grown.ts';
import { databaseOf, type Session, type StreamName } from './session.ts';

/** A source that a stream follows; what comes out of it is the same, whoever reads the slot. */
export interface OpenSource {
  readonly reader: Reader;
  /** The offset that belongs to a position, of a stream that comes out of Kafka; else null. */
  bookmarkAt(applied: Lsn): bigint | null;
  /** What runs beside the stream, which ends with the first of them that ends. */
  readonly beside: readonly (() => Promise<void>)[];
  /** What is left to do when the stream has ended by itself, and its loop no longer uses the target's connection. */
  ended(): Promise<void>;
}

/** The stream as its source sees it. */
export interface Follower extends Pick<ReaderOptions, 'onEvent' | 'onPosition' | 'askEveryMs'> {
  readonly stream: StreamName & { readonly log: Logger };
  readonly session: Session;
  readonly signal: AbortSignal;
  /** Everything up to here is applied. */
  applied(): Lsn;
}

const everyMs = 50;
const nothing = async () => {};

/** Opens the source that the config names, and brings back a stream that another engine carried. */
export async function openSource(follower: Follower): Promise<OpenSource> {
  const { stream, session, signal } = follower;
  const { checkpoint } = session;
  if (stream.extraction.engine === 'debezium') {
    const reader = await openGrown(stream, session, follower, signal);
    const bookmarkAt = (applied: Lsn) => reader.bookmarkAt(applied);
    return { reader, bookmarkAt, beside: [() => reader.tend()], ended: nothing };
  }
  if (checkpoint.engine === 'debezium') return await comeBack(follower);
  if (checkpoint.attempt !== null) await clearAway(follower);
  return { reader: await openSlot(follower), bookmarkAt: () => null, beside: [], ended: nothing };
}

async function openSlot({ stream, session, onEvent, onPosition, askEveryMs }: Follower): Promise<Reader> {
  const { config, extraction, direction } = stream;
  const { slot, applied } = session.checkpoint;
  return await openReader({
    url: databaseOf(stream, sourceOf[direction]),
    name: `${direction} ${extraction.name}`,
    slot,
    publication: publicationName(config.environment, extraction.name),
    start: applied,
    onEvent,
    onPosition,
    askEveryMs,
  });
}

/** Applies what a stopped connector has left; the stream then ends, and starts again on the slot. */
async function comeBack(follower: Follower): Promise<OpenSource> {
  const { stream, session, signal, onPosition, applied } = follower;
  const reader = await openReturn(stream, session, follower, signal);
  let done = false;
  const drain = async () => {
    await reader.readToEnd(signal);
    onPosition(reader.end);
    while (applied() < reader.end) await pause(everyMs, signal);
    done = true;
  };
  return {
    reader,
    bookmarkAt: (position) => reader.bookmarkAt(position),
    beside: [drain],
    // The connector's name stays, until it is taken away.
    ended: async () => {
      if (done) await useOwnReader(follower, session.checkpoint.attempt);
    },
  };
}

async function useOwnReader({ stream, session }: Follower, attempt: string | null): Promise<void> {
  const { extraction, direction } = stream;
  const name = { extraction: extraction.name, direction, lease: session.lease };
  if (!(await useEngine(session.target, name, 'embedded', attempt)))
    throw leaseLost(extraction.name, direction);
}

/** Takes away what is left of the engine debezium. Nothing of it is used any more: without Kafka the stream goes on. */
async function clearAway(follower: Follower): Promise<void> {
  const { stream, session, signal } = follower;
  try {
    await dropGrown(stream.config, session.checkpoint, signal);
    await useOwnReader(follower, null);
  } catch (error) {
    if (!(error instanceof StranglerError) || error.code === 'LEASE_LOST') throw error;
    const { code, fact } = error;
    const detail = { extraction: stream.extraction.name, direction: stream.direction, code, fact };
    stream.log.warn(detail, 'the old connector is still there');
  }
}
