export { type CopyOptions, type CopyResult, copyTables, emptyService } from './copy.ts';
export { createReverse, type ReverseOptions, type ReverseResult } from './reverse.ts';
export { dropSlot } from './slot.ts';
export type { CopyProgress } from './table-counts.ts';
