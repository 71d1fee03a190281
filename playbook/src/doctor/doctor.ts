import {
  type Catalog,
  type Catalogs,
  grownProblems,
  planIssues,
  readCatalog,
  resolvePlan,
  tableIn,
  tablesOf,
  uncarriedColumns,
} from '@strangler/cdc';
import type { Config, Extraction } from '@strangler/config';
import { messageOf, StranglerError } from '@strangler/errors';
import {
  checkEnvironment,
  ledgerExists,
  readExtraction,
  type Side,
  type Stage,
  sourceOf,
} from '@strangler/ledger';
import { qualified, type Sql } from '@strangler/postgres';
import {
  closeRoles,
  connectRoles,
  httpProblems,
  poolerProblems,
  type SideConnections,
} from './connections.ts';
import { type Finding, listed, type Problem, refuse, report } from './finding.ts';
import { labelProblems, roundTripProblems } from './mapping.ts';
import { rightsProblems } from './rights.ts';
import { clockProblems, serverProblems, transactionProblems } from './server.ts';
import { foreignKeyProblems, shapeProblems, tableProblems, toastProblems } from './tables.ts';

const sides = ['monolith', 'service'] as const satisfies Side[];

/**
 * Looks at everything that would go wrong with the extraction, changing nothing. What it detects is a finding; only a
 * check that could not be made throws.
 */
export async function runDoctor(options: { config: Config; extraction: Extraction }): Promise<Finding[]> {
  const { config, extraction } = options;
  const [monolith, service] = await Promise.all(sides.map((side) => connectRoles(config, extraction, side)));
  if (!monolith || !service) throw new RangeError('two sides');
  try {
    return await examine(config, extraction, monolith, service);
  } finally {
    await Promise.all([closeRoles(monolith), closeRoles(service)]);
  }
}

async function examine(
  config: Config,
  extraction: Extraction,
  monolith: SideConnections,
  service: SideConnections,
): Promise<Finding[]> {
  const findings = [
    ...report('connections', 'every role of both databases connects', [
      ...monolith.problems,
      ...service.problems,
      ...(await poolerProblems(monolith)),
      ...(await poolerProblems(service)),
    ]),
    ...report('http', 'monolith, service and flags answer', await httpProblems(config, extraction)),
  ];
  if (config.grown && extraction.engine === 'debezium')
    findings.push(
      ...report('kafka', 'Kafka answers, and Connect with Debezium', await kafkaProblems(config.grown)),
    );
  const here = monolith.clients.operator;
  const there = service.clients.operator;
  if (!here || !there) return findings;
  const sqls = { monolith: here, service: there };
  for (const side of sides) {
    findings.push(
      ...report(`server ${side}`, 'settings and room for the streams', [
        ...(await serverProblems(sqls[side], config, extraction, side)),
        ...(await transactionProblems(sqls[side], side)),
      ]),
    );
  }
  findings.push(...report('clocks', 'both databases agree on the time', await clockProblems(here, there)));

  const swapped = await swappedProblems(extraction, sqls);
  const ledger = swapped.length > 0 ? swapped : await ledgerProblems(config, sqls);
  findings.push(...report('ledger', 'both ledgers belong to this environment', ledger));
  if (swapped.length > 0) return findings;
  return [...findings, ...(await examineTables(extraction, monolith, service, sqls, ledger.length === 0))];
}

async function kafkaProblems(grown: NonNullable<Config['grown']>): Promise<Problem[]> {
  const problems = await grownProblems(grown, AbortSignal.timeout(30_000));
  return problems.map(({ fact, remedy }) => refuse(fact, remedy));
}

async function examineTables(
  extraction: Extraction,
  monolith: SideConnections,
  service: SideConnections,
  sqls: Record<Side, Sql>,
  ledgers: boolean,
): Promise<Finding[]> {
  const catalogs = {
    monolith: await readCatalog(sqls.monolith, tablesOf(extraction, 'monolith')),
    service: await readCatalog(sqls.service, tablesOf(extraction, 'service')),
  };
  const findings: Finding[] = [];
  const rights: Problem[] = [];
  for (const side of sides) rights.push(...(await rightsProblems(sqls[side], side, catalogs[side])));
  findings.push(...report('rights', 'every role has what it needs', rights));
  const issues = [
    ...planIssues('forward', extraction, catalogs),
    ...planIssues('reverse', extraction, catalogs),
  ].map((issue) => refuse(issue.fact, issue.remedy));
  findings.push(...report('plan', 'every column has a way there and back', unique(issues)));
  if (issues.length === 0 && extraction.engine === 'debezium')
    findings.push(...report('debezium', 'it carries every column', uncarriedProblems(extraction, catalogs)));
  findings.push(
    ...report('tables', 'the tables can be followed', [
      ...sides.flatMap((side) => tableProblems(side, catalogs[side])),
      ...toastProblems(extraction, catalogs),
      ...shapeProblems(extraction, catalogs),
    ]),
    ...report('foreign keys', 'no table that stays is tied to them', foreignKeyProblems(catalogs.monolith)),
  );
  const stage: Stage | undefined = ledgers
    ? ((await readExtraction(sqls.monolith, extraction.name))?.stage ?? 'planned')
    : undefined;
  findings.push(...(await stageFindings(extraction, sqls, stage)));
  const mapped = rights.length === 0 && issues.length === 0;
  const [from, to] = [monolith.clients.source, service.clients.source];
  if (!mapped || !from || !to) return findings;
  return [
    ...findings,
    ...report('mapping', 'a sample goes there and comes back as it was', [
      ...(await roundTripProblems(from, extraction, catalogs)),
      ...(await labelProblems(to, extraction, catalogs)),
    ]),
    ...(stage === undefined || stage === 'planned'
      ? report('service tables', 'they are empty', await filledProblems(to, extraction, catalogs.service))
      : []),
    ...report('unfinished', 'the questions about unfinished work can be asked', [
      ...(await unfinishedProblems(
        { monolith: monolith.clients.admin, service: service.clients.admin },
        extraction,
      )),
    ]),
  ];
}

function uncarriedProblems(extraction: Extraction, catalogs: Catalogs): Problem[] {
  const directions = ['forward', 'reverse'] as const;
  return directions.flatMap((direction) => {
    const followed = resolvePlan(direction, extraction, catalogs).map((plan) => ({
      table: plan.source,
      columns: plan.columns.map((each) => each.source),
    }));
    const uncarried = uncarriedColumns(catalogs[sourceOf[direction]], followed, extraction.plainArrays);
    return uncarried.map(({ fact, remedy }) => refuse(fact, remedy));
  });
}

function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((each) => [each.fact, each])).values()];
}

/** Each side has only the other's tables: the two URLs are in each other's place. */
async function swappedProblems(extraction: Extraction, sqls: Record<Side, Sql>): Promise<Problem[]> {
  const tables = { monolith: tablesOf(extraction, 'monolith'), service: tablesOf(extraction, 'service') };
  const count = async (at: Side, of: Side) => (await readCatalog(sqls[at], tables[of])).size;
  const inPlace = (await count('monolith', 'monolith')) + (await count('service', 'service'));
  const crossed = (await count('monolith', 'service')) + (await count('service', 'monolith'));
  if (inPlace > 0 || crossed < tables.monolith.length + tables.service.length) return [];
  return [
    refuse(
      "The monolith's database has the service's tables, and the service's the monolith's: the two are swapped.",
      'Exchange the two database URLs in the config or its environment.',
    ),
  ];
}

async function ledgerProblems(config: Config, sqls: Record<Side, Sql>): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const side of sides) {
    try {
      await checkEnvironment(sqls[side], config.environment, side);
    } catch (error) {
      if (!(error instanceof StranglerError)) throw error;
      problems.push(refuse(error.fact, error.remedy));
    }
  }
  return problems;
}

/** Once it is synced: is the fence on every table and partition? */
async function stageFindings(
  extraction: Extraction,
  sqls: Record<Side, Sql>,
  stage: Stage | undefined,
): Promise<Finding[]> {
  if (stage !== 'following' && stage !== 'switched') return [];
  const problems: Problem[] = [];
  for (const side of sides) {
    if (!(await ledgerExists(sqls[side]))) continue;
    const { rows } = await sqls[side].query(
      `SELECT format('%I.%I', n.nspname, c.relname) AS name
         FROM strangler.unfenced($1::text[]::regclass[], $2) u JOIN pg_class c ON c.oid = u
         JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1`,
      [tablesOf(extraction, side).map(qualified), extraction.name],
    );
    if (rows.length === 0) continue;
    problems.push(
      refuse(
        `The ${side} has no fence on ${listed(rows.map((row) => row['name'] ?? ''))}: writes there pass whoever owns.`,
        'As strangler_admin, create the trigger strangler_fence there as it is on the other tables (pg_get_triggerdef shows it) and ENABLE ALWAYS it; until then no switch is possible.',
      ),
    );
  }
  return report('fences', 'every table and partition has its fence', problems);
}

async function filledProblems(service: Sql, extraction: Extraction, catalog: Catalog): Promise<Problem[]> {
  const filled: string[] = [];
  for (const table of tablesOf(extraction, 'service')) {
    if (!tableIn(catalog, table)) continue;
    const { rows } = await service.query(`SELECT EXISTS (SELECT FROM ${qualified(table)}) AS filled`);
    if (rows[0]?.['filled'] === 't') filled.push(qualified(table));
  }
  if (filled.length === 0) return [];
  return [
    refuse(
      `${listed(filled)} of the service ${filled.length === 1 ? 'holds' : 'hold'} rows before the copy.`,
      'Empty the tables of the extraction in the service, or correct the config.',
    ),
  ];
}

/** `unfinished` of the config, which a switch asks as this role while it holds writes: it must not fail then. */
async function unfinishedProblems(
  sqls: Record<Side, Sql | undefined>,
  extraction: Extraction,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const side of sides) {
    const question = extraction.unfinished[side];
    const sql = sqls[side];
    if (question === undefined || sql === undefined) continue;
    try {
      await sql.query(`EXPLAIN ${question}`);
    } catch (error) {
      problems.push(
        refuse(
          `\`unfinished.${side}\` cannot be asked as strangler_admin: ${messageOf(error)}.`,
          'Correct the query, or GRANT strangler_admin SELECT on what it reads.',
        ),
      );
    }
  }
  return problems;
}
