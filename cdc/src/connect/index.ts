export {
  type ConnectClient,
  type ConnectorOffsets,
  type ConnectorStatus,
  connectClient,
  connectorFailed,
} from './client.ts';
export {
  type ConnectorAt,
  type ConnectorHealth,
  connectorHealth,
  type EnsureOptions,
  ensureConnector,
  removeConnector,
  restartConnector,
  stopConnector,
} from './connector.ts';
export {
  type ConnectorSource,
  connectorConfig,
  heartbeatTopic,
  logTopic,
  passwordVariable,
  unavailableValue,
} from './connector-config.ts';
export { ensureTopic, removeTopics, type TopicAt } from './topic.ts';
