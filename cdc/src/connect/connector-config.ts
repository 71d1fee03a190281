/** Whose changes a connector carries, and from where. */
export interface ConnectorSource {
  /** The slot that we made ourselves; Debezium would make a missing one silently, with a gap. */
  readonly slot: string;
  readonly publication: string;
  readonly database: {
    readonly host: string;
    readonly port: number;
    /** The database's name. */
    readonly name: string;
    readonly user: string;
  };
  /** New for each attempt (trap 84); the one topic is `<topicPrefix>.log`. */
  readonly topicPrefix: string;
}

/**
 * What Debezium writes where a value was not sent (unchanged TOAST). Improbable as a genuine value; where it could be
 * mistaken, the table needs REPLICA IDENTITY FULL.
 */
export const unavailableValue = '~strangler:unchanged:8f1c3a5e~';

/** The variable in Connect's own environment that holds the password: no secret lies in a topic or in an answer. */
export const passwordVariable = 'STRANGLER_SOURCE_PASSWORD';

/** The settings of one connector: lossless values, whole transactions, one ordered topic. */
export function connectorConfig(source: ConnectorSource): Record<string, string> {
  const { database, slot, publication, topicPrefix } = source;
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'database.hostname': database.host,
    'database.port': String(database.port),
    'database.dbname': database.name,
    'database.user': database.user,
    'database.password': `\${env:${passwordVariable}}`,
    'topic.prefix': topicPrefix,
    'plugin.name': 'pgoutput',
    'slot.name': slot,
    'slot.drop.on.stop': 'false',
    'publication.name': publication,
    'publication.autocreate.mode': 'disabled',
    'snapshot.mode': 'no_data',
    'offset.mismatch.strategy': 'trust_offset',
    'provide.transaction.metadata': 'true',
    // The default drops truncates.
    'skipped.operations': 'none',
    'tombstones.on.delete': 'false',
    'heartbeat.interval.ms': '1000',
    'extended.headers.enabled': 'false',
    ...lossless,
    'exactly.once.support': 'required',
    ...oneTopic(topicPrefix),
    ...throughput,
  };
}

const lossless = {
  'decimal.handling.mode': 'string',
  'time.precision.mode': 'isostring',
  'interval.handling.mode': 'string',
  'binary.handling.mode': 'hex',
  'hstore.handling.mode': 'json',
  'include.unknown.datatypes': 'true',
  'unavailable.value.placeholder': unavailableValue,
};

/** Rows, transaction boundaries, messages and truncates in one partition (trap 79); heartbeats apart. */
function oneTopic(prefix: string): Record<string, string> {
  return {
    'topic.creation.default.replication.factor': '1',
    'topic.creation.default.partitions': '1',
    'topic.creation.default.cleanup.policy': 'delete',
    'topic.creation.default.retention.ms': '-1',
    transforms: 'one',
    'transforms.one.type': 'org.apache.kafka.connect.transforms.RegexRouter',
    'transforms.one.regex': '^(?!__debezium-heartbeat).*',
    'transforms.one.replacement': logTopic(prefix),
  };
}

/** kafkajs reads gzip and plain batches only. */
const throughput = {
  'max.batch.size': '16384',
  'max.queue.size': '65536',
  'poll.interval.ms': '50',
  'producer.override.linger.ms': '20',
  'producer.override.batch.size': '524288',
  'producer.override.compression.type': 'gzip',
};

export function logTopic(topicPrefix: string): string {
  return `${topicPrefix}.log`;
}
export function heartbeatTopic(topicPrefix: string): string {
  return `__debezium-heartbeat.${topicPrefix}`;
}
