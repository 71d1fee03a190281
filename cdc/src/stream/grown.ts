import { randomBytes } from 'node:crypto';
import type { Config } from '@strangler/config';
import { pause, StranglerError } from '@strangler/errors';
import { type Checkpoint, connectorName, publicationName, sourceOf, useEngine } from '@strangler/ledger';
import { formatLsn, type Lsn, laterLsn, type Sql, SqlPool } from '@strangler/postgres';
import { leaseLost } from '../apply/index.ts';
import { readCatalog, tableIn } from '../catalog/index.ts';
import { ConnectClient, connectorConfig, topicOf } from '../connect/index.ts';
import { withAdmin } from '../source/debezium/kafka.ts';
import { openTopicReader, type TopicReader, type TopicReaderOptions } from '../source/debezium/reader.ts';
import { sourceTables } from '../source/debezium/tables.ts';
import { ensureTopic, topicRange } from '../source/debezium/topic.ts';
import { heartbeatPrefix, type SourceTable } from '../source/debezium/translate.ts';
import { checkSlot, checkSlotThere, freeSlot } from '../source/index.ts';
import { databaseOf, type Session, type StreamName } from './session.ts';

const heartbeatEveryMs = 250;
const watchEveryMs = 2_000;
const restartsMax = 10;

/** Kafka and Connect of the config. @throws StranglerError CONFIG_INVALID */
function grownOf(config: Config): NonNullable<Config['grown']> {
  if (config.grown) return config.grown;
  throw new StranglerError(
    'CONFIG_INVALID',
    'A stream is on the engine debezium, and the config has no `grown`.',
    'Name Kafka and Connect under `grown`.',
  );
}

/** What is done with what a topic says. */
type Take = Pick<TopicReaderOptions, 'onEvent' | 'onPosition'>;

/**
 * The stream's topic, from the bookmark on; its connector runs, and is made if there is none. The slot has been seen
 * before: Debezium would make a missing one silently, with a gap.
 */
export async function openGrown(
  stream: StreamName,
  session: Session,
  take: Take,
  signal: AbortSignal,
): Promise<TopicReader & { tend(): Promise<void> }> {
  const { config, extraction, direction } = stream;
  const { checkpoint, source, target, lease } = session;
  const grown = grownOf(config);
  const tables = await topicTables(stream, session);
  let { attempt, bookmark } = checkpoint;
  if (checkpoint.engine === 'embedded' || attempt === null) {
    await dropGrown(config, checkpoint, signal);
    attempt = randomBytes(4).toString('hex');
    bookmark = null;
    const name = { extraction: extraction.name, direction, lease };
    if (!(await useEngine(target, name, 'debezium', attempt))) throw leaseLost(extraction.name, direction);
  }
  const name = connectorName(checkpoint.slot, attempt);
  const connect = new ConnectClient(grown.connect, signal);
  if ((await connect.status(name)) === undefined)
    await makeConnector({ stream, name, connect, source, checkpoint, brokers: grown.kafka, signal });
  else {
    await checkConnectorSlot(source, checkpoint.slot, connect, name);
    await connect.resume(name);
  }
  const reader = await openTopic(grown, name, { bookmark, applied: checkpoint.applied, tables }, take);
  const url = databaseOf(stream, sourceOf[direction]);
  // The session's own connection may be busy for long. One is enough, and its beat keeps it: none is made anew meanwhile.
  const questions = new SqlPool({
    url,
    role: 'source',
    name: `tend ${direction} ${extraction.name}`,
    max: 1,
  });
  const tend = async () => {
    await Promise.race([
      beat(questions, signal),
      tendConnector({ connect, source: questions, slot: checkpoint.slot, name }, signal),
    ]);
  };
  const close = async () => {
    await reader.close();
    await questions.end();
  };
  return { ...reader, tend, close };
}

/**
 * The way back to our own reader: the topic of a connector that is stopped. Once it is read to its end, everything up
 * to `end` was in it: what the slot has confirmed is what we shall not get again from there.
 */
export async function openReturn(
  stream: StreamName,
  session: Session,
  take: Take,
  signal: AbortSignal,
): Promise<TopicReader & { readonly end: Lsn }> {
  const { checkpoint, source } = session;
  const grown = grownOf(stream.config);
  const name = connectorName(checkpoint.slot, checkpoint.attempt ?? '');
  await new ConnectClient(grown.connect, signal).stop(name);
  await freeSlot(source, checkpoint.slot, signal);
  const { confirmed } = await checkSlotThere(source, checkpoint.slot);
  const tables = await topicTables(stream, session);
  const { bookmark, applied } = checkpoint;
  const reader = await openTopic(grown, name, { bookmark, applied, tables }, take);
  return { ...reader, end: laterLsn(confirmed, applied) };
}

/** The topic of a connector, from the bookmark on. */
async function openTopic(
  grown: NonNullable<Config['grown']>,
  name: string,
  from: Pick<TopicReaderOptions, 'bookmark' | 'applied' | 'tables'>,
  { onEvent, onPosition }: Take,
): Promise<TopicReader> {
  return await openTopicReader({ brokers: grown.kafka, topic: topicOf(name), ...from, onEvent, onPosition });
}

async function makeConnector(options: {
  stream: StreamName;
  name: string;
  connect: ConnectClient;
  source: Sql;
  checkpoint: Checkpoint;
  brokers: readonly string[];
  signal: AbortSignal;
}): Promise<void> {
  const { stream, name, connect, source, checkpoint, brokers, signal } = options;
  const topic = topicOf(name);
  const { next } = await withAdmin({ brokers }, topic, async (admin) => {
    await ensureTopic(admin, topic);
    return await topicRange(admin, topic);
  });
  // What is in the topic may be ahead of the checkpoint; an empty one must begin at or before it.
  if (next === 0n) {
    await freeSlot(source, checkpoint.slot, signal);
    await checkSlot(source, checkpoint.slot, checkpoint.applied);
  }
  const { config, extraction, direction } = stream;
  await connect.put(
    name,
    connectorConfig({
      name,
      slot: checkpoint.slot,
      publication: publicationName(config.environment, extraction.name),
      url: databaseOf(stream, sourceOf[direction]),
    }),
  );
}

/** How the records of the stream's tables are read, and of the ledger's, whose rows mark a switch. */
async function topicTables({ extraction }: StreamName, { source, plans }: Session): Promise<SourceTable[]> {
  const ownership = { schema: 'strangler', name: 'ownership' };
  const catalog = await readCatalog(source, [...plans.map((each) => each.source), ownership]);
  const followed = plans.map((each) => ({
    table: each.source,
    columns: each.columns.map((column) => column.source),
  }));
  const marks = tableIn(catalog, ownership)?.columns.map((each) => each.name) ?? [];
  return sourceTables(catalog, [...followed, { table: ownership, columns: marks }], extraction.plainArrays);
}

/** Makes the source say where it is, so that positions advance when nothing else does. Ends when the signal aborts. */
async function beat(source: Sql, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await source.query('SELECT pg_logical_emit_message(false, $1, $2)', [heartbeatPrefix, '']);
    await pause(heartbeatEveryMs, signal).catch(() => {});
  }
}

/**
 * Restarts a failed task, so often and no more, and never on a slot that has lost something.
 * @throws StranglerError CONNECTOR_FAILED or SLOT_LOST
 */
async function tendConnector(
  { connect, source, slot, name }: { connect: ConnectClient; source: Sql; slot: string; name: string },
  signal: AbortSignal,
): Promise<void> {
  let restarts = 0;
  while (!signal.aborted) {
    await checkSlotThere(source, slot);
    // While Connect is away, heartbeats say whether records arrive.
    const found = await connect.status(name).catch(() => undefined);
    if (found?.state === 'FAILED' || found?.task === 'FAILED') {
      await checkConnectorSlot(source, slot, connect, name);
      restarts += 1;
      if (restarts > restartsMax) throw connectorFailed(name, found.trace);
      await connect.restartFailed(name).catch(() => {});
    }
    await pause(watchEveryMs, signal).catch(() => {});
  }
}

/** Refuses a slot that cannot give what its connector lacks (traps 16 and 75). @throws StranglerError SLOT_LOST */
async function checkConnectorSlot(
  source: Sql,
  slot: string,
  connect: ConnectClient,
  name: string,
): Promise<void> {
  // In this order: a connector confirms what it has, so that its slot is never ahead of it.
  const { confirmed } = await checkSlotThere(source, slot);
  const reached = await connect.position(name);
  if (reached === undefined || confirmed <= reached) return;
  throw new StranglerError(
    'SLOT_LOST',
    `The slot ${slot} begins at ${formatLsn(confirmed)}, and the connector has come only to ${formatLsn(reached)}: it was made anew, or something else has read it.`,
    'Changes in between are gone: run `strangler cancel`, then `strangler sync`.',
  );
}

function connectorFailed(name: string, trace: string | undefined): StranglerError {
  // Connect wraps what it was; the last cause says it.
  const lines = trace?.split('\n') ?? [];
  const why = lines.findLast((line) => line.startsWith('Caused by: ')) ?? lines[0] ?? 'it does not say why';
  return new StranglerError(
    'CONNECTOR_FAILED',
    `The connector ${name} fails again and again: ${why.replace(/^Caused by: /, '').replace(/\.$/, '')}.`,
    'Mend what it names; the stream goes on by itself.',
  );
}

/** Takes connector, offsets and topic of a stream away, if it ever had them. The slot stays. */
export async function dropGrown(
  config: Config,
  checkpoint: Pick<Checkpoint, 'slot' | 'attempt'>,
  signal: AbortSignal,
): Promise<void> {
  if (checkpoint.attempt === null) return;
  const grown = grownOf(config);
  const name = connectorName(checkpoint.slot, checkpoint.attempt);
  await new ConnectClient(grown.connect, signal).remove(name);
  const ours = [topicOf(name), `__debezium-heartbeat.${name}`];
  await withAdmin({ brokers: grown.kafka }, ours.join(' and '), async (admin) => {
    const topics = (await admin.listTopics()).filter((each) => ours.includes(each));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  });
}
