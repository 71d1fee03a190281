import type { Config } from '@strangler/config';
import { deadline, messageOf, StranglerError } from '@strangler/errors';
import { type Checkpoint, connectorName } from '@strangler/ledger';
import { ConnectClient, type ConnectorState } from '../connect/index.ts';
import { kafkaOf } from '../source/debezium/reader.ts';

type Grown = NonNullable<Config['grown']>;

const connectorClass = 'io.debezium.connector.postgresql.PostgresConnector';
/** In which the settings that we give it mean what we think. */
const debeziumSince = 3;
const lookMs = 5_000;

/** What of Kafka and Connect is missing for the engine debezium. */
export async function grownProblems(
  grown: Grown,
  signal: AbortSignal,
): Promise<readonly { readonly fact: string; readonly remedy: string }[]> {
  const looked = await Promise.all([brokersProblem(grown), pluginProblem(grown, deadline(lookMs, signal))]);
  return looked.filter((problem) => problem !== undefined);
}

async function brokersProblem({ kafka }: Grown) {
  const admin = kafkaOf(kafka, { retries: 1 }).admin();
  try {
    await admin.connect();
    await admin.describeCluster();
    return undefined;
  } catch (error) {
    return {
      fact: `Kafka at ${kafka.join(', ')} does not answer: ${messageOf(error)}.`,
      remedy: 'Start it (`npm run kafka:up`), or correct `grown.kafka` in the config.',
    };
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

async function pluginProblem({ connect }: Grown, signal: AbortSignal) {
  try {
    const found = (await new ConnectClient(connect, signal).plugins()).find(
      (each) => each.class === connectorClass,
    );
    if (found && Number.parseInt(found.version, 10) >= debeziumSince) return undefined;
    return {
      fact: `Kafka Connect at ${connect} has ${found ? `Debezium ${found.version}` : 'no Debezium for PostgreSQL'}.`,
      remedy: `Install debezium-connector-postgres ${debeziumSince}.0 or newer.`,
    };
  } catch (error) {
    if (!(error instanceof StranglerError)) throw error;
    return { fact: error.fact, remedy: error.remedy };
  }
}

/** The connector of a stream as Connect shows it; undefined when the stream has none. Its RUNNING proves nothing: positions that advance do. */
export async function connectorOf(
  config: Config,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly found: ConnectorState | 'missing' | 'unknown' } | undefined> {
  if (checkpoint.engine !== 'debezium' || checkpoint.attempt === null) return undefined;
  const name = connectorName(checkpoint.slot, checkpoint.attempt);
  if (!config.grown) return { name, found: 'unknown' };
  try {
    const client = new ConnectClient(config.grown.connect, deadline(lookMs, signal));
    return { name, found: (await client.status(name)) ?? 'missing' };
  } catch (error) {
    if (!(error instanceof StranglerError)) throw error;
    return { name, found: 'unknown' };
  }
}
