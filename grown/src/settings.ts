/** Where the parts listen, all on 127.0.0.1. */
export interface GrownPorts {
  /** One for each broker. */
  readonly brokers: readonly number[];
  /** The first broker's controller listener. */
  readonly controller: number;
  readonly connect: number;
}

const onePartition = (prefix: string, replicas: string) => ({
  [`${prefix}.replication.factor`]: replicas,
  [`${prefix}.min.isr`]: '1',
  [`${prefix}.num.partitions`]: '1',
});

/** Each broker has everything, so that one of two may die. */
const replicasOf = ({ brokers }: GrownPorts) => String(brokers.length);

/** A KRaft broker; the first is the controller, too. Topics are never made by accident (trap 81). */
export function brokerSettings(number: number, ports: GrownPorts, logDir: string): Record<string, string> {
  const plain = `PLAINTEXT://127.0.0.1:${ports.brokers[number - 1]}`;
  const first = number === 1;
  const replicas = replicasOf(ports);
  return {
    'process.roles': first ? 'broker,controller' : 'broker',
    'node.id': String(number),
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    listeners: first ? `${plain},CONTROLLER://127.0.0.1:${ports.controller}` : plain,
    'advertised.listeners': plain,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logDir,
    'num.partitions': '1',
    'default.replication.factor': replicas,
    'min.insync.replicas': '1',
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '1',
    ...onePartition('transaction.state.log', replicas),
    ...onePartition('share.coordinator.state.topic', replicas),
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    'log.retention.ms': '-1',
  };
}

/** Kafka Connect with exactly-once sources. Secrets come from its own environment, so that none lies in a topic. */
export function connectSettings(ports: GrownPorts): Record<string, string> {
  const replicas = replicasOf(ports);
  return {
    'bootstrap.servers': ports.brokers.map((port) => `127.0.0.1:${port}`).join(','),
    'group.id': 'grown',
    listeners: `http://127.0.0.1:${ports.connect}`,
    'rest.advertised.host.name': '127.0.0.1',
    'config.storage.topic': '_connect_config',
    'offset.storage.topic': '_connect_offset',
    'status.storage.topic': '_connect_status',
    'config.storage.replication.factor': replicas,
    'offset.storage.replication.factor': replicas,
    'status.storage.replication.factor': replicas,
    'offset.storage.partitions': '1',
    'status.storage.partitions': '1',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'key.converter.schemas.enable': 'false',
    'value.converter.schemas.enable': 'false',
    'offset.flush.interval.ms': '1000',
    'exactly.once.source.support': 'enabled',
    'connector.client.config.override.policy': 'All',
    'plugin.discovery': 'service_load',
    'scheduled.rebalance.max.delay.ms': '0',
    'task.shutdown.graceful.timeout.ms': '5000',
    'config.providers': 'env',
    'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
    'config.providers.env.param.allowlist.pattern': 'STRANGLER_.*',
  };
}

/** A Java properties file. */
export function properties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}
