export { readSourceTables, refuseUncarried, type SourceTable, uncarriedColumns } from './columns.ts';
export { type GrownReader, openGrownReader } from './reader.ts';
export { heartbeatPrefix } from './translate.ts';
