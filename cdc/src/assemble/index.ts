export { Assembler, type AssemblerOptions } from './assembler.ts';
export { Backlog, type Batch } from './backlog.ts';
export { isMarker, type Transaction } from './transaction.ts';
