import type { ConnectClient } from '@strangler/cdc';
import { StranglerError, waitFor } from '@strangler/errors';
import type { Sides } from '../sides.ts';
import { columnsSql } from './history.ts';

export const theirDatabase = 'bench_jdbc';
export const theirTable = 'public.event';

/** Makes the JDBC sink's target, once for each pair of clusters: the same columns and types as ours. */
export async function createTheirTarget(sides: Sides): Promise<void> {
  await sides.query('service', `CREATE DATABASE ${theirDatabase}`);
  await sides.query('service', `CREATE TABLE ${theirTable} ${columnsSql}`, theirDatabase);
}

/**
 * Debezium's own sink, tuned. It begins at the topic's start, since each has a name of its own. `driver`: what is asked
 * of the driver besides, after the URL's own parameters.
 */
export function sinkConfig(sides: Sides, topic: string, driver: string): Record<string, string> {
  const { hostname, port, username, password } = new URL(sides.url('service', theirDatabase));
  return {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': '1',
    topics: topic,
    // Without it, text into a column of another type fails.
    'connection.url': `jdbc:postgresql://${hostname}:${port}/${theirDatabase}?stringtype=unspecified${driver}`,
    'connection.username': username,
    'connection.password': password || 'not-asked-for',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the connector fills it in, not we.
    'collection.name.format': '${source.table}',
    'insert.mode': 'upsert',
    'delete.enabled': 'true',
    'truncate.enabled': 'true',
    'primary.key.mode': 'record_key',
    'batch.size': '2000',
    'use.reduction.buffer': 'true',
    'consumer.override.max.poll.records': '4000',
    'consumer.override.isolation.level': 'read_committed',
    'consumer.override.auto.offset.reset': 'earliest',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'key.converter.schemas.enable': 'true',
    'value.converter.schemas.enable': 'true',
  };
}

/** Starts the sink and settles when its task runs, which is when its time begins. */
export async function startSink(
  connect: ConnectClient,
  name: string,
  config: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  await connect.put(name, config);
  await waitFor(async () => ((await refuseFailed(connect, name)) === 'RUNNING' ? true : undefined), {
    timeoutMs: 60_000,
    everyMs: 25,
    what: "the JDBC sink's task",
    signal,
  });
}

/** The state of the sink's task. @throws StranglerError COMPONENT_FAILED */
export async function refuseFailed(connect: ConnectClient, name: string): Promise<string | undefined> {
  const found = await connect.status(name);
  if (found?.task !== 'FAILED') return found?.task;
  throw new StranglerError(
    'COMPONENT_FAILED',
    `The JDBC sink failed: ${found.trace ?? 'it does not say why'}`,
    'See the log of Kafka Connect.',
  );
}
