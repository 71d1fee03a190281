import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyInSql } from '../plan/index.ts';
import type { Group } from './groups.ts';
import type { RowChange } from './table.ts';

/** From so many rows on COPY, which is planned anew each time, costs the target less than a prepared statement. */
const rowsMin = 100;
/** Rows that are written at once: little enough that memory for them is used again and again. */
const pieceRows = 500;

/** Whether the rows of a group can go the way of the first copy, which computes nothing. */
export function copies({ kind, table, changes }: Group): boolean {
  return (
    kind === 'insert' &&
    changes.length >= rowsMin &&
    table.plan.columns.every((column) => column.expression === undefined)
  );
}

/** Inserts the rows of a group in `target`, the plan's or a table of the same columns. */
export async function copyRows(client: pg.Client, { table, changes }: Group, target: string): Promise<void> {
  const into = client.query(copyFrom(copyInSql(table.plan, target)));
  for (let at = 0; at < changes.length; at += pieceRows)
    into.write(copyText(changes.slice(at, at + pieceRows)));
  into.end();
  await finished(into);
}

const special = /[\\\n\r\t]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Rows as COPY reads them: PostgreSQL manual, COPY, "Text Format". */
export function copyText(changes: readonly RowChange[]): string {
  let text = '';
  for (const change of changes) {
    if (change.kind === 'delete') continue;
    let between = '';
    for (const cell of change.values) {
      if (cell === null) text += `${between}\\N`;
      else if (typeof cell === 'string' && special.test(cell))
        text += between + cell.replaceAll(/[\\\n\r\t]/g, (found) => escapes[found] ?? found);
      else text += `${between}${cell}`;
      between = '\t';
    }
    text += '\n';
  }
  return text;
}
