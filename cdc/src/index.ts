export * from './catalog/index.ts';
export { ConnectClient, type ConnectorState, connectorConfig, topicOf } from './connect/index.ts';
export * from './copy/index.ts';
export * from './plan/index.ts';
export { type UncarriedColumn, uncarriedColumns } from './source/debezium/tables.ts';
export { type SlotHealth, slotHealth } from './source/index.ts';
export {
  budgetShare,
  connectorOf,
  dropGrown,
  grownProblems,
  runStream,
  type ServeOptions,
  type StreamOptions,
  serveStreams,
} from './stream/index.ts';
export { recordLine, type TailRecord, tailChanges } from './tail/index.ts';
export * from './verify/index.ts';
