import type { Extraction, TableMapping } from '@strangler/config';
import { StranglerError } from '@strangler/errors';
import { type Direction, type Side, sourceOf, targetOf } from '@strangler/ledger';
import { qualified, type TableName } from '@strangler/postgres';
import { type Catalog, type TableFacts, tableIn } from '../catalog/index.ts';
import { checkTables } from './check.ts';
import type { Carried, ColumnPlan, Pair, PlanIssue, SequencePlan, TablePlan } from './model.ts';

export interface Catalogs {
  readonly monolith: Catalog;
  readonly service: Catalog;
}

/** The tables of an extraction on one side, in the config's order. */
export function tablesOf(extraction: Extraction, side: Side): TableName[] {
  return extraction.tables.map((each) => each[side]);
}

/** The schemas in which a side's mapping expressions are looked up. */
export function schemasOf(extraction: Extraction, side: Side): string[] {
  return [...new Set([...tablesOf(extraction, side).map((each) => each.schema), 'public'])];
}

/** How every table of the extraction is carried in this direction. @throws StranglerError CONFIG_INVALID or CHECK_FAILED. */
export function resolvePlan(direction: Direction, extraction: Extraction, catalogs: Catalogs): TablePlan[] {
  const { carried, issues } = carriedTables(direction, extraction, catalogs);
  const [first] = [...issues, ...checkTables(carried)];
  if (first) {
    const all = [...issues, ...checkTables(carried)].filter((each) => each.code === first.code);
    throw new StranglerError(first.code, all.map((each) => each.fact).join(' '), first.remedy);
  }
  return carried.map(planOf);
}

/** Everything that keeps the extraction from being carried in this direction; empty if nothing does. */
export function planIssues(direction: Direction, extraction: Extraction, catalogs: Catalogs): PlanIssue[] {
  const { carried, issues } = carriedTables(direction, extraction, catalogs);
  return [...issues, ...checkTables(carried)];
}

function carriedTables(
  direction: Direction,
  extraction: Extraction,
  catalogs: Catalogs,
): { carried: Carried[]; issues: PlanIssue[] } {
  const carried: Carried[] = [];
  const issues: PlanIssue[] = [];
  for (const mapping of extraction.tables) {
    const monolith = tableIn(catalogs.monolith, mapping.monolith);
    const service = tableIn(catalogs.service, mapping.service);
    if (!monolith) issues.push(missingTable('monolith', mapping.monolith));
    if (!service) issues.push(missingTable('service', mapping.service));
    if (!monolith || !service) continue;
    issues.push(...strayMappings(mapping, monolith));
    const sides = { monolith, service };
    carried.push({
      mapping,
      direction,
      source: sides[sourceOf[direction]],
      target: sides[targetOf[direction]],
      pairs: pairsOf(direction, mapping, monolith, service),
    });
  }
  return { carried, issues };
}

function missingTable(side: Side, table: TableName): PlanIssue {
  return {
    code: 'CONFIG_INVALID',
    table,
    fact: `The ${side}'s database has no table ${qualified(table)}.`,
    remedy: 'Correct its name in the config (nothing is folded to lower case), or make the table.',
  };
}

/** A mapping for a column that the monolith doesn't have is a spelling mistake. */
function strayMappings(mapping: TableMapping, monolith: TableFacts): PlanIssue[] {
  const known = new Set(monolith.columns.map((each) => each.name));
  return mapping.columns
    .filter((each) => !known.has(each.column))
    .map((each) => ({
      code: 'CONFIG_INVALID',
      table: mapping.monolith,
      fact: `${qualified(mapping.monolith)} has no column ${each.column}.`,
      remedy: 'Correct the name under `columns` in the config.',
    }));
}

function pairsOf(
  direction: Direction,
  mapping: TableMapping,
  monolith: TableFacts,
  service: TableFacts,
): Pair[] {
  const mappings = new Map(mapping.columns.map((each) => [each.column, each]));
  const serviceColumns = new Map(service.columns.map((each) => [each.name, each]));
  return monolith.columns.flatMap((column) => {
    const own = mappings.get(column.name);
    if (own?.omit) return [];
    const to = own?.to ?? column.name;
    const there = serviceColumns.get(to);
    // Both sides compute it, or only the monolith has it: nothing to carry, and pgoutput would not send it (trap 10).
    if (column.generated && (there === undefined || there.generated)) return [];
    return [
      direction === 'forward'
        ? {
            sourceName: column.name,
            targetName: to,
            source: column,
            target: there,
            mapping: own,
            expression: own?.from,
          }
        : {
            sourceName: to,
            targetName: column.name,
            source: there,
            target: column,
            mapping: own,
            expression: own?.back,
          },
    ];
  });
}

function planOf(carried: Carried): TablePlan {
  const key = new Set(carried.source.primaryKey);
  return {
    source: carried.source.table,
    target: carried.target.table,
    columns: carried.pairs.flatMap((pair): ColumnPlan[] =>
      pair.source && pair.target
        ? [
            {
              source: pair.sourceName,
              target: pair.targetName,
              sourceType: pair.source.type,
              readAs: pair.source.builtin ? pair.source.type : (pair.source.baseType ?? 'text'),
              targetType: pair.target.type,
              key: key.has(pair.sourceName),
              ...(pair.expression === undefined ? {} : { expression: pair.expression }),
              targetIdentityAlways: pair.target.identity === 'always',
            },
          ]
        : [],
    ),
    sequences: sequencesOf(carried),
  };
}

function sequencesOf(carried: Carried): SequencePlan[] {
  const { monolith } = carried.mapping;
  const inSource = new Map(carried.source.sequences.map((each) => [each.column, qualified(each.sequence)]));
  const inTarget = new Map(carried.target.sequences.map((each) => [each.column, qualified(each.sequence)]));
  return carried.pairs.flatMap((pair) => {
    const source = inSource.get(pair.sourceName) ?? null;
    const target = inTarget.get(pair.targetName) ?? null;
    if (source === null && target === null) return [];
    const column = carried.direction === 'forward' ? pair.sourceName : pair.targetName;
    return [{ key: `${monolith.schema}.${monolith.name}.${column}`, source, target }];
  });
}
