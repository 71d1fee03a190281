import { qualified, type Sql } from '@strangler/postgres';
import { z } from 'zod';
import { type Catalog, type TableFacts, tableIn } from '../catalog/index.ts';
import type { TablePlan } from '../plan/index.ts';

/** One COPY: a whole table, or a run of pages of it. */
export interface CopyTask {
  readonly plan: TablePlan;
  /** What to read, quoted: the table, or one of its partitions. */
  readonly from: string;
  /** Pages [first, end); null = to the end of the table, whatever its size is by then. */
  readonly pages: { readonly first: number; readonly end: number | null } | null;
  /** Pages to read, by which the largest task goes first. */
  readonly size: number;
}

/** Of each relation with rows: its pages, and whether the role may read it by itself. */
interface Leaf {
  readonly name: string;
  readonly pages: number;
  readonly readable: boolean;
}

/** 64 MB of 8 kB pages: small enough to share out, large enough that a task's start costs nothing. */
const pagesPerTask = 8_192;

/** Splits one relation; the last task is open-ended, so that pages added since are read, too. */
export function splitPages(pages: number, perTask: number): { first: number; end: number | null }[] {
  const tasks: { first: number; end: number | null }[] = [];
  for (let first = 0; first + perTask < pages; first += perTask) tasks.push({ first, end: first + perTask });
  tasks.push({ first: tasks.length * perTask, end: null });
  return tasks;
}

/** Shares out the tables among workers, the largest first. */
export async function copyTasks(
  source: Sql,
  plans: readonly TablePlan[],
  catalog: Catalog,
  perTask = pagesPerTask,
): Promise<CopyTask[]> {
  const tasks: CopyTask[] = [];
  for (const plan of plans) {
    const table = tableIn(catalog, plan.source);
    if (!table) throw new Error(`no catalogue entry for ${qualified(plan.source)}`);
    const leaves = await leavesOf(source, table);
    const size = leaves.reduce((sum, leaf) => sum + leaf.pages, 0);
    // A grant on a partitioned table doesn't reach its partitions by their own names: read it through the root then.
    if (leaves.length === 0 || leaves.some((leaf) => !leaf.readable)) {
      tasks.push({ plan, from: qualified(plan.source), pages: null, size });
      continue;
    }
    for (const leaf of leaves) {
      for (const pages of splitPages(leaf.pages, perTask)) {
        const end = pages.end ?? leaf.pages;
        tasks.push({ plan, from: `ONLY ${leaf.name}`, pages, size: Math.max(end - pages.first, 0) });
      }
    }
  }
  return tasks.sort((a, b) => b.size - a.size);
}

const leafRow = z.object({
  pages: z.coerce.number(),
  readable: z.enum(['t', 'f']).transform((value) => value === 't'),
});

async function leavesOf(source: Sql, table: TableFacts): Promise<Leaf[]> {
  const leaves =
    table.kind === 'partitioned' ? table.children.filter((each) => each.kind === 'table') : [table];
  const found: Leaf[] = [];
  for (const leaf of leaves) {
    const name = qualified(leaf.table);
    const { rows } = await source.query(
      `SELECT pg_relation_size(c.oid) / current_setting('block_size')::int AS pages,
              has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(c.relnamespace, 'USAGE') AS readable
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
      [leaf.table.schema, leaf.table.name],
    );
    found.push({ name, ...leafRow.parse(rows[0]) });
  }
  return found;
}
