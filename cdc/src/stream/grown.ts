import type { Config } from '@strangler/config';
import { pause, StranglerError } from '@strangler/errors';
import {
  type Checkpoint,
  connectorName,
  publicationName,
  readCheckpoint,
  setEngine,
  sourceOf,
} from '@strangler/ledger';
import type { Lsn, Sql } from '@strangler/postgres';
import {
  connectorHealth,
  ensureConnector,
  ensureTopic,
  heartbeatTopic,
  logTopic,
  removeConnector,
  removeTopics,
  restartConnector,
  stopConnector,
} from '../connect/index.ts';
import { refuseUncarried } from '../source/debezium/index.ts';
import { checkSlot, freeSlot, slotHealth } from '../source/index.ts';
import { databaseOf, type Session, type StreamName } from './session.ts';

type Grown = NonNullable<Config['grown']>;

const watchEveryMs = 2_000;
const restartsMost = 5;

/** @throws StranglerError CONFIG_INVALID when Debezium still carries a stream, and the config has no Kafka any more. */
export function grownOf(config: Config): Grown {
  if (config.grown) return config.grown;
  throw new StranglerError(
    'CONFIG_INVALID',
    'Debezium carries a stream, and the config does not say where Kafka and Connect are.',
    "Give `grown` back to the config; with engine: 'embedded' the stream is then led back by itself.",
  );
}

/** Hands a stream that our own reader carried to Debezium: nothing reads the slot, and it has all that comes next. */
export async function growUp(stream: StreamName, session: Session, signal: AbortSignal): Promise<Checkpoint> {
  const { source, target, checkpoint, plans, lease } = session;
  const { extraction, direction } = stream;
  grownOf(stream.config);
  await refuseUncarried(
    source,
    plans.map((plan) => ({ table: plan.source, columns: plan.columns.map((column) => column.source) })),
  );
  await freeSlot(source, checkpoint.slot, signal);
  await checkSlot(source, checkpoint.slot, checkpoint.applied);
  await setEngine(target, { extraction: extraction.name, direction, lease }, 'debezium');
  return (await readCheckpoint(target, extraction.name, direction)) ?? checkpoint;
}

/** Makes topic and connector if they are not there: a missing slot would be made by Debezium, with a gap. */
export async function startConnector(
  stream: StreamName,
  source: Sql,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<void> {
  const { kafka, connect } = grownOf(stream.config);
  const name = connectorName(checkpoint.slot, checkpoint.attempt);
  const { state } = await connectorHealth({ connect, name, signal });
  // Beyond what is applied here the slot may be only because the topic has it.
  if (state === 'ABSENT' && checkpoint.bookmark === null)
    await checkSlot(source, checkpoint.slot, checkpoint.applied);
  const health = await slotHealth(source, checkpoint.slot);
  if (!health || health.walStatus === 'lost' || health.invalid !== null)
    await checkSlot(source, checkpoint.slot, checkpoint.applied);
  if (state === 'ABSENT') await ensureTopic({ kafka, topic: logTopic(name), signal });
  const url = new URL(databaseOf(stream, sourceOf[stream.direction]));
  await ensureConnector({
    connect,
    name,
    signal,
    slot: checkpoint.slot,
    publication: publicationName(stream.config.environment, stream.extraction.name),
    topicPrefix: name,
    database: {
      host: url.hostname,
      port: Number(url.port || 5432),
      name: decodeURIComponent(url.pathname.slice(1)),
      user: 'strangler_source',
    },
  });
}

/** Stops the connector on the way back to our own reader; the position up to which its topic must be applied. */
export async function stopForReturn(
  stream: StreamName,
  source: Sql,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<Lsn> {
  const { connect } = grownOf(stream.config);
  const name = connectorName(checkpoint.slot, checkpoint.attempt);
  await stopConnector({ connect, name, signal });
  await freeSlot(source, checkpoint.slot, signal);
  const health = await slotHealth(source, checkpoint.slot);
  return health?.confirmed ?? checkpoint.applied;
}

/** Everything of the topic that the slot does not have is applied: our own reader goes on. */
export async function returned(stream: StreamName, session: Session, signal: AbortSignal): Promise<void> {
  const { target, checkpoint, lease } = session;
  await dropGrown(stream.config, checkpoint, signal);
  const { extraction, direction } = stream;
  await setEngine(target, { extraction: extraction.name, direction, lease }, 'embedded');
}

/** Removes connector, stored offsets and topics of a stream's attempt; before its slot is dropped. Safe to run again. */
export async function dropGrown(
  config: Config,
  checkpoint: Pick<Checkpoint, 'slot' | 'attempt'>,
  signal: AbortSignal,
): Promise<void> {
  const { kafka, connect } = grownOf(config);
  const name = connectorName(checkpoint.slot, checkpoint.attempt);
  await removeConnector({ connect, name, signal });
  await removeTopics(kafka, [logTopic(name), heartbeatTopic(name)], signal);
}

/**
 * Starts a failed task again, a few times; what flows is judged by the reader, since RUNNING proves nothing.
 * @throws StranglerError CONNECTOR_FAILED when it keeps failing.
 */
export async function watchConnector(
  config: Config,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<void> {
  const { connect } = grownOf(config);
  const name = connectorName(checkpoint.slot, checkpoint.attempt);
  for (let restarts = 0; !signal.aborted; ) {
    // Connect itself may start again meanwhile: then nothing is known.
    const health = await connectorHealth({ connect, name, signal }).catch(() => undefined);
    if (health?.state === 'FAILED' || health?.taskState === 'FAILED') {
      if (restarts === restartsMost) {
        throw new StranglerError(
          'CONNECTOR_FAILED',
          `Connector ${name} failed ${restartsMost + 1} times: ${health.trace?.split('\n')[0] ?? 'without a reason'}.`,
          'Mend the cause; the stream then goes on by itself from its bookmark.',
        );
      }
      restarts += 1;
      await restartConnector({ connect, name, signal }).catch(() => {});
    }
    await pause(watchEveryMs, signal).catch(() => {});
  }
}
