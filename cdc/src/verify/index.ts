export type { Difference, Orphans, TableResult, Verdict, VerifyResult } from './result.ts';
export { type VerifyOptions, type VerifyProgress, verifyTables } from './verify.ts';
