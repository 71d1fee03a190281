import { recordMaxBytes } from '../source/debezium/topic.ts';
import { placeholder } from '../source/debezium/value.ts';

/**
 * Whatever the database or its roles set for themselves (trap 23): by it values would be printed shorter, in another
 * order, or as bytes that the connector takes for others. TimeZone is the driver's own; values with a zone show theirs.
 */
const printed = [
  'DateStyle=ISO,YMD',
  'IntervalStyle=postgres',
  'bytea_output=hex',
  'extra_float_digits=3',
  'xmlbinary=base64',
  'lc_monetary=C',
];

export interface ConnectorOptions {
  /** Also the prefix of its topic; never used twice. */
  readonly name: string;
  readonly slot: string;
  readonly publication: string;
  /** The source's database. User and password of the role `source`; the password is a variable of Connect's environment. */
  readonly url: string;
}

const json = 'org.apache.kafka.connect.json.JsonConverter';

export function topicOf(name: string): string {
  return `${name}.log`;
}

/** Settings under which nothing is lost or printed otherwise than PostgreSQL has it, in one topic in commit order. */
export function connectorConfig({ name, slot, publication, url }: ConnectorOptions): Record<string, string> {
  const { hostname, port, pathname } = new URL(url);
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'database.hostname': hostname,
    'database.port': port || '5432',
    'database.user': 'strangler_source',
    // Read by Connect, so that no secret lies in a topic or in an answer of its REST interface.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Connect fills it in, not we.
    'database.password': '${env:STRANGLER_SOURCE_PASSWORD}',
    'database.dbname': decodeURIComponent(pathname.slice(1)),
    'driver.options': printed.map((each) => `-c ${each}`).join(' '),
    'topic.prefix': name,
    'plugin.name': 'pgoutput',
    'slot.name': slot,
    'slot.drop.on.stop': 'false',
    'publication.name': publication,
    // Trap 86: never a publication for all tables.
    'publication.autocreate.mode': 'disabled',
    'snapshot.mode': 'no_data',
    // Trap 75: a slot that is ahead of the stored offset is another one, and fails.
    'offset.mismatch.strategy': 'trust_offset',
    'provide.transaction.metadata': 'true',
    // Trap 78: truncates are skipped by default.
    'skipped.operations': 'none',
    'tombstones.on.delete': 'false',
    'heartbeat.interval.ms': '1000',
    'extended.headers.enabled': 'false',
    'decimal.handling.mode': 'string',
    'time.precision.mode': 'isostring',
    'interval.handling.mode': 'string',
    'binary.handling.mode': 'hex',
    'hstore.handling.mode': 'json',
    'include.unknown.datatypes': 'true',
    'unavailable.value.placeholder': placeholder,
    'exactly.once.support': 'required',
    // Whatever the worker's own are.
    'key.converter': json,
    'key.converter.schemas.enable': 'false',
    'value.converter': json,
    'value.converter.schemas.enable': 'false',
    // As many as the brokers make by default.
    'topic.creation.default.replication.factor': '-1',
    'topic.creation.default.partitions': '1',
    'topic.creation.default.cleanup.policy': 'delete',
    'topic.creation.default.retention.ms': '-1',
    // Trap 79: one topic of one partition keeps the order across tables.
    transforms: 'one',
    'transforms.one.type': 'org.apache.kafka.connect.transforms.RegexRouter',
    'transforms.one.regex': '^(?!__debezium-heartbeat).*',
    'transforms.one.replacement': topicOf(name),
    'max.batch.size': '16384',
    'max.queue.size': '65536',
    'poll.interval.ms': '50',
    'producer.override.linger.ms': '20',
    'producer.override.batch.size': '524288',
    'producer.override.max.request.size': String(recordMaxBytes),
    'producer.override.buffer.memory': String(2 * recordMaxBytes),
    // kafkajs reads gzip only.
    'producer.override.compression.type': 'gzip',
  };
}
