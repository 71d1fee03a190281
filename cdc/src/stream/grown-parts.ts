import type { Config } from '@strangler/config';
import { deadline, StranglerError } from '@strangler/errors';
import { type Checkpoint, connectorName } from '@strangler/ledger';
import { ConnectClient, type ConnectorState } from '../connect/index.ts';
import { withAdmin } from '../source/debezium/kafka.ts';

type Grown = NonNullable<Config['grown']>;

const connectorClass = 'io.debezium.connector.postgresql.PostgresConnector';
/** In which the settings that we give it mean what we think. */
const debeziumSince = 3;
const lookMs = 5_000;

interface Problem {
  readonly fact: string;
  readonly remedy: string;
}

/** What of Kafka and Connect is missing for the engine debezium. */
export async function grownProblems({ kafka, connect }: Grown, signal: AbortSignal): Promise<Problem[]> {
  const looked = await Promise.all([
    problemOf(async () => {
      const impatient = { brokers: kafka, retry: { retries: 1 } };
      await withAdmin(impatient, 'anybody', (admin) => admin.describeCluster());
    }),
    problemOf(async () => await findPlugin(connect, deadline(lookMs, signal))),
  ]);
  return looked.flat();
}

async function problemOf(look: () => Promise<void>): Promise<Problem[]> {
  try {
    await look();
    return [];
  } catch (error) {
    if (error instanceof StranglerError) return [{ fact: error.fact, remedy: error.remedy }];
    throw error;
  }
}

async function findPlugin(connect: string, signal: AbortSignal): Promise<void> {
  const plugins = await new ConnectClient(connect, signal).plugins();
  const found = plugins.find((each) => each.class === connectorClass);
  if (found && Number.parseInt(found.version, 10) >= debeziumSince) return;
  throw new StranglerError(
    'CHECK_FAILED',
    `Kafka Connect at ${connect} has ${found ? `Debezium ${found.version}` : 'no Debezium for PostgreSQL'}.`,
    `Install debezium-connector-postgres ${debeziumSince}.0 or newer.`,
  );
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
