import { ident } from '@strangler/postgres';
import type { TablePlan } from './model.ts';

/** Takes rows of a plan into `target`, which is quoted: the plan's own or a table of the same columns. */
export function copyInSql(plan: TablePlan, target: string): string {
  return `COPY ${target} (${plan.columns.map((each) => ident(each.target)).join(', ')}) FROM STDIN`;
}
