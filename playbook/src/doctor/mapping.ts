import { type Catalog, resolvePlan, type TablePlan, tableIn } from '@strangler/cdc';
import type { Extraction } from '@strangler/config';
import { messageOf } from '@strangler/errors';
import { ident, qualified, type Sql } from '@strangler/postgres';
import { type Problem, refuse, warn } from './finding.ts';

type Catalogs = { monolith: Catalog; service: Catalog };

/** Rows of each table, half from either end of its key, that go there and back. */
const sampleRows = 1_000;

/** Takes a sample of the monolith's rows through `from` and `back`: what doesn't come back as it went is lossy (trap 59). */
export async function roundTripProblems(
  monolith: Sql,
  extraction: Extraction,
  catalogs: Catalogs,
): Promise<Problem[]> {
  const forward = resolvePlan('forward', extraction, catalogs);
  const reverse = resolvePlan('reverse', extraction, catalogs);
  const problems: Problem[] = [];
  for (const [n, there] of forward.entries()) {
    const back = reverse[n];
    if (back) problems.push(...(await roundTrip(monolith, there, back, catalogs)));
  }
  return problems;
}

async function roundTrip(
  monolith: Sql,
  there: TablePlan,
  back: TablePlan,
  catalogs: Catalogs,
): Promise<Problem[]> {
  const name = qualified(there.source);
  const service = tableIn(catalogs.service, there.target);
  const typeThere = new Map(
    service?.columns.map((each) => [each.name, each.builtin ? each.type : (each.baseType ?? 'text')]),
  );
  const text = (value: string) => `CASE num_nulls(${value}) WHEN 0 THEN concat(${value}) END`;
  const went = there.columns.map((each) => {
    const value = each.expression === undefined ? ident(each.source) : `(${each.expression})`;
    return `${text(value)}::${typeThere.get(each.target) ?? 'text'} AS ${ident(each.target)}`;
  });
  const kept = back.columns.map(
    (each, n) => `${text(`sample.${ident(each.target)}`)} AS "strangler went ${n}"`,
  );
  const came = back.columns.map((each, n) => {
    const value = each.expression === undefined ? ident(each.source) : `(${each.expression})`;
    const returned = text(`(${text(value)})::${each.targetType}`);
    return `count(*) FILTER (WHERE ${returned} IS DISTINCT FROM "strangler went ${n}") AS c${n}`;
  });
  const key = there.columns.filter((each) => each.key).map((each) => ident(each.source));
  const half = (direction: string) =>
    `(SELECT ${key.join(', ')} FROM ${name} ORDER BY ${key.map((each) => `${each} ${direction}`).join(', ')} LIMIT ${sampleRows / 2})`;
  const sample = `SELECT * FROM ${name} WHERE (${key.join(', ')}) IN (${half('ASC')} UNION ALL ${half('DESC')})`;
  try {
    const { rows } = await monolith.query(
      `SELECT ${came.join(', ')} FROM (
         SELECT ${[...went, ...kept].join(', ')} FROM (${sample}) sample OFFSET 0) "strangler there"`,
    );
    return back.columns.flatMap((each, n) => {
      const lost = Number(rows[0]?.[`c${n}`]);
      if (lost === 0) return [];
      return [
        refuse(
          `${each.target} of ${name} does not come back as it went: in ${lost} of the sampled rows \`back\` makes another value of what \`from\` made.`,
          'Correct the pair of expressions or the column in the service; or leave the column behind with `omit: true`.',
        ),
      ];
    });
  } catch (error) {
    return [
      refuse(
        `The mapping of ${name} fails on the monolith's rows: ${messageOf(error)}.`,
        'Correct the expressions in the config or the types in the service.',
      ),
    ];
  }
}

/** Labels of the monolith's enums that the service's column would refuse, and the other way round (trap 9). */
export async function labelProblems(
  service: Sql,
  extraction: Extraction,
  catalogs: Catalogs,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const plan of resolvePlan('forward', extraction, catalogs)) {
    const here = tableIn(catalogs.monolith, plan.source);
    const there = tableIn(catalogs.service, plan.target);
    for (const column of plan.columns) {
      const labels = here?.columns.find((each) => each.name === column.source)?.enumLabels;
      if (!labels || column.sourceType.endsWith('[]')) continue;
      const target = there?.columns.find((each) => each.name === column.target);
      if (target?.enumLabels) {
        problems.push(...enumProblems(plan, column.source, labels, column.target, target.enumLabels));
      } else {
        problems.push(...(await checkedLabels(service, plan, column, labels)));
      }
    }
  }
  return problems;
}

function enumProblems(
  plan: TablePlan,
  source: string,
  here: readonly string[],
  target: string,
  there: readonly string[],
): Problem[] {
  const unknownThere = here.filter((label) => !there.includes(label));
  const unknownHere = there.filter((label) => !here.includes(label));
  return [
    ...(unknownThere.length > 0
      ? [
          refuse(
            `${target} of ${qualified(plan.target)} does not know ${unknownThere.join(', ')}, which ${source} of ${qualified(plan.source)} may hold.`,
            'Add the labels to the type in the service.',
          ),
        ]
      : []),
    ...(unknownHere.length > 0
      ? [
          warn(
            `${source} of ${qualified(plan.source)} does not know ${unknownHere.join(', ')}, which ${target} of ${qualified(plan.target)} may hold: such a row cannot be carried back.`,
            'Add the labels to the type in the monolith before the service uses them.',
          ),
        ]
      : []),
  ];
}

/** Asks each CHECK over that one column alone whether it takes each label. */
async function checkedLabels(
  service: Sql,
  plan: TablePlan,
  column: TablePlan['columns'][number],
  labels: readonly string[],
): Promise<Problem[]> {
  const { rows } = await service.query(
    `SELECT c.conname AS name, pg_get_expr(c.conbin, c.conrelid) AS expression FROM pg_constraint c
       JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
      WHERE c.contype = 'c' AND c.conrelid = $1::regclass AND a.attname = $2`,
    [qualified(plan.target), column.target],
  );
  const problems: Problem[] = [];
  for (const { name, expression } of rows) {
    const mapped = column.expression ?? ident(column.source);
    const { rows: refused } = await service.query(
      `SELECT "strangler label" AS label FROM (
         SELECT "strangler label", (${mapped})::${column.targetType} AS ${ident(column.target)}
           FROM (SELECT label AS "strangler label", label AS ${ident(column.source)} FROM unnest($1::text[]) label) l OFFSET 0) v
        WHERE NOT coalesce((${expression}), true)`,
      [[...labels]],
    );
    if (refused.length === 0) continue;
    problems.push(
      refuse(
        `The constraint ${name} of ${qualified(plan.target)} refuses ${refused.map((row) => row['label']).join(', ')}, which ${column.source} of ${qualified(plan.source)} may hold.`,
        'Let the constraint take the labels.',
      ),
    );
  }
  return problems;
}
