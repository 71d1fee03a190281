export { ConnectClient, type ConnectorState } from './client.ts';
export { type ConnectorOptions, connectorConfig, topicOf } from './connector.ts';
