export {
  type Begin,
  type Cell,
  type Cells,
  type Change,
  type ChangeEvent,
  type Commit,
  type LogicalMessage,
  type Relation,
  type RelationColumn,
  unchanged,
} from './change.ts';
export { copyBoth } from './copy-both.ts';
export { MalformedMessage } from './cursor.ts';
export { decodeFrame, encodeStatus } from './frame.ts';
export { decodePgoutput, type PgoutputMessage } from './pgoutput.ts';
export { openReader, type Reader, type ReaderOptions, slotLost } from './reader.ts';
export { checkSlot, checkSlotThere, freeSlot, type SlotHealth, slotHealth } from './slot.ts';
