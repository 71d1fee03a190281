import { StranglerError } from '@strangler/errors';
import { ident, qualified } from '@strangler/postgres';
import type pg from 'pg';
import type { Cell } from '../source/index.ts';
import { copies, copyRows } from './copy-rows.ts';
import type { Group, Grouping, Step } from './groups.ts';
import { withParkedRows } from './park.ts';
import { type Statement, statementFor, withoutModifier } from './statement.ts';
import { columnAt, namedKey, type RowChange, type StreamTable } from './table.ts';

/** Makes grouped changes inside a transaction that is open on its connection. */
export class ChangeWriter {
  readonly #client: pg.Client;
  readonly #statements = new Map<string, Statement & { readonly name: string }>();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** @param parking takes the touched rows aside first: slower, but right for everything a source can do. */
  async write(grouping: Grouping, parking: boolean): Promise<void> {
    for (const { table, steps } of grouping.tables()) {
      const make = async (target: string) => {
        for (const step of steps) await this.#make(step, target);
      };
      if (parking) await withParkedRows(this.#client, table, steps, make);
      else await make(qualified(table.plan.target));
    }
  }

  async #make(step: Step, target: string): Promise<void> {
    if (step.kind === 'truncate') {
      // DELETE, not TRUNCATE: no foreign key from a table that stays refuses it, no reader waits for it (trap 6).
      await this.#client.query(`DELETE FROM ${qualified(step.table.plan.target)}`);
      if (target !== qualified(step.table.plan.target)) await this.#client.query(`DELETE FROM ${target}`);
      return;
    }
    if (copies(step)) return await copyRows(this.#client, step, target);
    const { text, parameters, name } = this.#statement(step, target);
    const values = parameters.map((parameter) => arrayText(step.changes, parameter));
    const result = await this.#client.query({ text, values, name });
    // A hole is never skipped (trap 66).
    if (step.kind !== 'insert' && result.rowCount !== step.changes.length) throw new MissingRow(step);
  }

  #statement(group: Group, target: string): Statement & { readonly name: string } {
    const key = `${group.kind} ${group.keyChanges} ${group.untouched.join(',')} ${target} ${qualified(group.table.plan.target)}`;
    let statement = this.#statements.get(key);
    if (!statement) {
      statement = { ...statementFor(group, target), name: `strangler_${this.#statements.size}` };
      this.#statements.set(key, statement);
    }
    return statement;
  }
}

const special = /["\\]/;

/** An array of text as PostgreSQL reads it; in one piece, since a batch has thousands of elements. */
export function arrayText(changes: readonly RowChange[], parameter: (change: RowChange) => Cell): string {
  let text = '';
  for (const change of changes) {
    const cell = parameter(change);
    if (cell === null) text += ',NULL';
    else if (typeof cell === 'string' && special.test(cell))
      text += `,"${cell.replaceAll(/["\\]/g, '\\$&')}"`;
    else text += `,"${cell}"`;
  }
  return `{${text.slice(1)}}`;
}

/** An update or delete found fewer rows than it has keys; which, `missingRow` finds out after the rollback. */
export class MissingRow extends Error {
  readonly group: Group;

  constructor(group: Group) {
    super('a row is missing');
    this.group = group;
  }
}

/** Names the first row that is not there. */
export async function missingRow(client: pg.Client, { group }: MissingRow): Promise<StranglerError> {
  const { table, changes } = group;
  const [first] = changes;
  const absent = (await firstAbsent(client, table, changes)) ?? first;
  const key = absent && absent.kind !== 'insert' ? JSON.stringify(namedKey(table, absent.oldKey)) : '';
  return new StranglerError(
    'ROW_MISSING',
    `The ${group.kind} of ${qualified(table.plan.source)} ${key} found no row in ${qualified(table.plan.target)}.`,
    'The sides differ; nothing was skipped. Look with `strangler verify`; then `strangler cancel` and `strangler sync`.',
  );
}

async function firstAbsent(
  client: pg.Client,
  { plan, keys }: StreamTable,
  changes: readonly RowChange[],
): Promise<RowChange | undefined> {
  const arrays = keys.map((_, at) =>
    changes.map((change) => (change.kind === 'insert' ? null : (change.oldKey[at] ?? null))),
  );
  const names = [...keys.map((_, at) => ident(`~${at}`)), '"~n"'].join(', ');
  const matches = keys.map((index, at) => {
    const column = columnAt(plan, index);
    return `t.${ident(column.target)} = CAST("~".${ident(`~${at}`)} AS ${withoutModifier(column.targetType)})`;
  });
  const { rows } = await client.query<{ n: string }>(
    `SELECT "~n" - 1 AS n FROM ROWS FROM (${keys.map((_, at) => `unnest($${at + 1}::text[])`).join(', ')}) WITH ORDINALITY AS "~"(${names})
      WHERE NOT EXISTS (SELECT FROM ${qualified(plan.target)} t WHERE ${matches.join(' AND ')}) ORDER BY 1 LIMIT 1`,
    arrays,
  );
  return rows[0] ? changes[Number(rows[0].n)] : undefined;
}
