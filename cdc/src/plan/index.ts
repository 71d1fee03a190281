export { copyInSql } from './copy-in.ts';
export { columnsIn } from './mention.ts';
export type { ColumnPlan, PlanIssue, SequencePlan, TablePlan } from './model.ts';
export { type Catalogs, planIssues, resolvePlan, schemasOf, tablesOf } from './resolve.ts';
