export { recordLine, TailEncoder, type TailFacts, type TailRecord } from './record.ts';
export { type TailOptions, tailChanges } from './tail.ts';
export { type ColumnType, readTypes } from './type.ts';
export { debeziumUnchanged, debeziumValue } from './value.ts';
