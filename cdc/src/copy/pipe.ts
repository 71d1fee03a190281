import { pipeline } from 'node:stream/promises';
import { StranglerError } from '@strangler/errors';
import { ident, qualified } from '@strangler/postgres';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { copyInSql, type TablePlan } from '../plan/index.ts';
import type { CopyTask } from './task.ts';

/** What the source computes of a row for the target, as a select list in the plan's order. */
export function selectList(plan: TablePlan): string {
  return plan.columns.map((each) => each.expression ?? ident(each.source)).join(', ');
}

export function copyOutSql({ plan, from, pages }: CopyTask): string {
  const range =
    pages === null
      ? ''
      : ` WHERE ctid >= '(${pages.first},0)'${pages.end === null ? '' : ` AND ctid < '(${pages.end},0)'`}`;
  return `COPY (SELECT ${selectList(plan)} FROM ${from}${range}) TO STDOUT`;
}

/**
 * Pipes one task from database to database as the text that the source prints, with backpressure. Returns its rows.
 * @throws StranglerError COPY_FAILED if one side counted other rows than the other.
 */
export async function pipeTask(
  task: CopyTask,
  source: pg.Client,
  target: pg.Client,
  options: { signal: AbortSignal; onChunk: (bytes: number, rows: number) => void },
): Promise<number> {
  const out = source.query(copyTo(copyOutSql(task), { highWaterMark: 1 << 18 }));
  const into = target.query(
    copyFrom(copyInSql(task.plan, qualified(task.plan.target)), { highWaterMark: 1 << 18 }),
  );
  // A cut connection tells both streams again, after the pipeline has told us.
  out.on('error', () => {});
  into.on('error', () => {});
  out.on('data', (chunk: Buffer) => options.onChunk(chunk.length, linesIn(chunk)));
  await pipeline(out, into, { signal: options.signal });
  if (out.rowCount !== into.rowCount) {
    throw new StranglerError(
      'COPY_FAILED',
      `The monolith gave ${out.rowCount} rows of ${qualified(task.plan.source)}, the service took ${into.rowCount}.`,
      "Look for rules or triggers (ENABLE ALWAYS) on the service's table that drop rows.",
    );
  }
  return into.rowCount;
}

/** A row is a line: COPY escapes line ends within values. */
function linesIn(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  return lines;
}
