import type { Config, Extraction } from '@strangler/config';
import { messageOf, StranglerError } from '@strangler/errors';
import { type Direction, publicationName, slotName, sourceOf } from '@strangler/ledger';
import {
  connectionError,
  formatLsn,
  type Lsn,
  laterLsn,
  literal,
  lsn,
  qualified,
  replicationClient,
} from '@strangler/postgres';
import type pg from 'pg';
import { z } from 'zod';
import { readCatalog } from '../catalog/index.ts';
import { withConnection } from '../connection.ts';
import { requirePublication } from '../copy/slot.ts';
import { copyBoth, decodeFrame, decodePgoutput, encodeStatus } from '../source/index.ts';
import { databaseOf } from '../stream/session.ts';
import { TailEncoder, type TailFacts, type TailRecord } from './record.ts';
import { readTypes } from './type.ts';

export interface TailOptions {
  readonly config: Config;
  readonly extraction: Extraction;
  readonly direction: Direction;
  /** `start`: everything that the extraction's own slot still keeps; `now`: what is committed from now on. */
  readonly from: 'start' | 'now';
  /** So many records, then it ends; undefined = until the signal aborts. */
  readonly limit?: number;
  readonly tombstones?: boolean;
  readonly placeholder?: string;
  readonly onReady?: () => void;
  readonly onRecord: (record: TailRecord) => void;
  readonly signal: AbortSignal;
}

const statusEveryMs = 1_000;
const defaultPlaceholder = '__debezium_unavailable_value';
const keyColumns = z.object({ schemaname: z.string(), tablename: z.string() });

/**
 * Gives the records that Debezium would write for an extraction's changes, from a temporary slot that goes with the
 * connection: the extraction's own slot is not touched.
 * @throws StranglerError DATABASE_UNREACHABLE, ROLE_REFUSED, CHECK_FAILED, SLOT_LOST or STREAM_STOPPED.
 */
export async function tailChanges(options: TailOptions): Promise<void> {
  const { config, extraction, direction, signal } = options;
  const url = databaseOf(options, sourceOf[direction]);
  const connection = { url, role: 'source', name: `tail ${extraction.name}` } as const;
  const publication = publicationName(config.environment, extraction.name);
  const facts = await withConnection(connection, async (sql) => {
    await requirePublication(sql, publication);
    return await readFacts(sql, publication, options);
  });
  const client = replicationClient(connection);
  try {
    await client.connect();
  } catch (error) {
    throw connectionError(connection, error);
  }
  try {
    signal.throwIfAborted();
    const slot = `strangler_tail_${z.object({ processID: z.number() }).parse(client).processID}`;
    await makeSlot(client, slot, options);
    await stream(client, { slot, publication, encoder: new TailEncoder(facts), options });
  } finally {
    await client.end().catch(() => {});
  }
}

async function readFacts(sql: pg.Client, publication: string, options: TailOptions): Promise<TailFacts> {
  const { rows } = await sql.query(
    'SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = $1',
    [publication],
  );
  const tables = rows
    .map((row) => keyColumns.parse(row))
    .map((row) => ({ schema: row.schemaname, name: row.tablename }));
  const catalog = await readCatalog(sql, tables);
  const full = [...catalog.values()].filter((table) => table.replicaIdentity === 'full');
  const { extraction, config, direction } = options;
  return {
    prefix: slotName(config.environment, extraction.name, direction),
    database: new URL(databaseOf(options, sourceOf[direction])).pathname.slice(1),
    placeholder: options.placeholder ?? defaultPlaceholder,
    tombstones: options.tombstones ?? false,
    types: await readTypes(sql),
    fullKeys: new Map(full.map((table) => [qualified(table.table), table.primaryKey])),
  };
}

/** A slot that ends with its connection: new, or a copy of the extraction's own at what that one still keeps. */
async function makeSlot(client: pg.Client, slot: string, options: TailOptions): Promise<void> {
  if (options.from === 'now') {
    await client.query(`CREATE_REPLICATION_SLOT "${slot}" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'nothing')`);
    return;
  }
  const own = slotName(options.config.environment, options.extraction.name, options.direction);
  try {
    await client.query(`SELECT pg_copy_logical_replication_slot(${literal(own)}, ${literal(slot)}, true)`);
  } catch (error) {
    throw new StranglerError(
      'SLOT_LOST',
      `The slot ${own} cannot be read from its start: ${messageOf(error)}.`,
      'Run `strangler sync` first, or tail with --from now.',
      { cause: error },
    );
  }
}

interface Tail {
  slot: string;
  publication: string;
  encoder: TailEncoder;
  options: TailOptions;
}

async function stream(client: pg.Client, { slot, publication, encoder, options }: Tail): Promise<void> {
  const connection = copyBoth(client);
  const done = Promise.withResolvers<void>();
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  let received: Lsn = lsn(0n);
  const status = () =>
    connection.send(encodeStatus({ received, durable: received, nowMs: Date.now(), replyNow: false }));
  const take = (chunk: Buffer) => {
    const frame = decodeFrame(chunk);
    if (frame.kind === 'keepalive') {
      received = laterLsn(received, frame.position);
      if (frame.replyNow) status();
      return;
    }
    const message = decodePgoutput(frame.payload);
    // Both decoders have checked that these bytes are there; the stream itself has no use for them.
    const at = lsn(chunk.readBigUInt64BE(1));
    const originAt = message.tag === 'origin' ? lsn(frame.payload.readBigUInt64BE(1)) : undefined;
    for (const record of encoder.encode(message, at, originAt)) {
      if (left <= 0) break;
      options.onRecord(record);
      left -= 1;
    }
    if (message.tag === 'commit') received = laterLsn(received, message.end);
    if (left <= 0) done.resolve();
  };
  connection.onData((chunk) => {
    try {
      take(chunk);
    } catch (error) {
      done.reject(unreadable(slot, error));
    }
  });
  const command = `START_REPLICATION SLOT "${slot}" LOGICAL ${formatLsn(lsn(0n))} (proto_version '1', publication_names ${literal(`"${publication}"`)}, messages 'true')`;
  const stopped = (why: string, cause?: unknown) => done.reject(unreadable(slot, cause ?? new Error(why)));
  client.query(command).then(
    () => stopped('the server ended the stream'),
    (error: unknown) => stopped(messageOf(error), error),
  );
  client.once('end', () => stopped('the connection was closed'));
  connection.started.then(
    () => options.onReady?.(),
    () => {},
  );
  const abort = () => done.resolve();
  options.signal.addEventListener('abort', abort, { once: true });
  const timer = setInterval(status, statusEveryMs);
  try {
    if (!options.signal.aborted) await done.promise;
  } finally {
    clearInterval(timer);
    options.signal.removeEventListener('abort', abort);
    await connection.end();
  }
}

function unreadable(slot: string, error: unknown): StranglerError {
  return new StranglerError(
    'STREAM_STOPPED',
    `The tail of ${slot} stopped: ${messageOf(error)}.`,
    'Run it again; nothing else depends on it.',
    { cause: error },
  );
}
