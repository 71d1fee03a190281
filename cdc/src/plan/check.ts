import { ident, qualified } from '@strangler/postgres';
import type { ColumnFacts, TableFacts } from '../catalog/index.ts';
import { columnsIn } from './mention.ts';
import type { Carried, Pair, PlanIssue } from './model.ts';

/** What keeps tables that exist on both sides from being carried. */
export function checkTables(carried: readonly Carried[]): PlanIssue[] {
  return carried.flatMap((each) => [
    ...kindIssues(each),
    ...columnIssues(each),
    ...expressionIssues(each),
    ...keyIssues(each),
    ...unfedIssues(each),
  ]);
}

type Say = (fact: string, remedy: string) => PlanIssue;

function failed(table: TableFacts): Say {
  return (fact, remedy) => ({ code: 'CHECK_FAILED', table: table.table, fact, remedy });
}

function invalid(table: TableFacts): Say {
  return (fact, remedy) => ({ code: 'CONFIG_INVALID', table: table.table, fact, remedy });
}

const nameOf = (table: TableFacts) => qualified(table.table);

function kindIssues({ source, target }: Carried): PlanIssue[] {
  return [source, target]
    .filter((each) => each.kind !== 'table' && each.kind !== 'partitioned')
    .map((each) =>
      failed(each)(`${nameOf(each)} is a ${each.kind}.`, 'Name the table that holds the rows in the config.'),
    );
}

function columnIssues({ source, target, pairs, direction }: Carried): PlanIssue[] {
  const issues: PlanIssue[] = [];
  const taken = new Map<string, string>();
  for (const pair of pairs) {
    const [service, column] = direction === 'forward' ? [target, pair.targetName] : [source, pair.sourceName];
    const there = direction === 'forward' ? pair.target : pair.source;
    if (!there) {
      issues.push(
        invalid(service)(
          `${nameOf(service)} has no column ${column}, to which ${monolithColumn(pair, direction)} maps.`,
          'Name the right column with `to`, or leave it behind with `omit: true`.',
        ),
      );
    }
    const other = taken.get(pair.targetName);
    if (other !== undefined) {
      issues.push(
        invalid(target)(
          `${other} and ${pair.sourceName} both map to ${pair.targetName} of ${nameOf(target)}.`,
          'Map one of them elsewhere, or leave it behind with `omit: true`.',
        ),
      );
    }
    taken.set(pair.targetName, pair.sourceName);
    if (pair.source?.generated || pair.target?.generated) issues.push(generatedIssue(pair, source, target));
  }
  return issues;
}

function monolithColumn(pair: Pair, direction: Carried['direction']): string {
  return direction === 'forward' ? pair.sourceName : pair.targetName;
}

/** A generated column's value isn't in the stream, and cannot be written (trap 10). */
function generatedIssue(pair: Pair, source: TableFacts, target: TableFacts): PlanIssue {
  const [table, column] = pair.source?.generated ? [source, pair.sourceName] : [target, pair.targetName];
  return failed(table)(
    `${column} of ${nameOf(table)} is a generated column: its values are not in the stream and cannot be written.`,
    'Leave it behind with `omit: true`, or make it generated on both sides.',
  );
}

function expressionIssues({ source, pairs, mapping }: Carried): PlanIssue[] {
  const generated = source.columns.filter((each) => each.generated).map((each) => each.name);
  return pairs.flatMap((pair) => {
    const issues: PlanIssue[] = [];
    if (pair.mapping && (pair.mapping.from === undefined) !== (pair.mapping.back === undefined)) {
      issues.push(
        invalid(source)(
          `${pair.mapping.column} of ${qualified(mapping.monolith)} has only one of \`from\` and \`back\`.`,
          'Name both, so that the column can come back as it went; or leave it behind with `omit: true`.',
        ),
      );
    }
    for (const column of columnsIn(pair.expression ?? '', generated)) {
      issues.push(
        failed(source)(
          `The expression for ${pair.targetName} reads ${column} of ${nameOf(source)}, a generated column that the stream doesn't carry.`,
          'Write the expression over the columns from which it is generated.',
        ),
      );
    }
    return issues;
  });
}

function keyIssues(carried: Carried): PlanIssue[] {
  const { source, target, pairs } = carried;
  for (const table of [source, target]) {
    if (table.primaryKey.length > 0) continue;
    return [
      failed(table)(
        `${nameOf(table)} has no primary key.`,
        'Add one: without it no row can be followed, verified or taken back.',
      ),
    ];
  }
  return [...identityIssues(source), ...keyMappingIssues(source, target, pairs)];
}

/** Updates and deletes must carry the key (trap 5). */
function identityIssues(source: TableFacts): PlanIssue[] {
  const primary = source.uniqueIndexes.find((each) => each.primary);
  const say = failed(source);
  if (source.replicaIdentity === 'nothing') {
    return [
      say(
        `${nameOf(source)} has REPLICA IDENTITY NOTHING: its updates and deletes would fail once it is published.`,
        `ALTER TABLE ${nameOf(source)} REPLICA IDENTITY DEFAULT.`,
      ),
    ];
  }
  if (source.replicaIdentity === 'index' && source.identityIndex !== primary?.name) {
    return [
      say(
        `${nameOf(source)} has another replica identity (${source.identityIndex ?? 'an index that is gone'}) than its primary key.`,
        `ALTER TABLE ${nameOf(source)} REPLICA IDENTITY DEFAULT, or FULL.`,
      ),
    ];
  }
  if (source.replicaIdentity === 'default' && primary && !primary.immediate) {
    return [
      say(
        `The primary key of ${nameOf(source)} is deferrable, which cannot be a replica identity.`,
        `Make the key not deferrable, or ALTER TABLE ${nameOf(source)} REPLICA IDENTITY FULL.`,
      ),
    ];
  }
  return [];
}

function keyMappingIssues(source: TableFacts, target: TableFacts, pairs: readonly Pair[]): PlanIssue[] {
  const issues: PlanIssue[] = [];
  const mapped: string[] = [];
  for (const column of source.primaryKey) {
    const pair = pairs.find((each) => each.sourceName === column);
    if (!pair) {
      issues.push(
        invalid(source)(
          `${column} belongs to the primary key of ${nameOf(source)} and is not carried.`,
          'Map it: a row is found by its key on both sides.',
        ),
      );
      continue;
    }
    mapped.push(pair.targetName);
    if (pair.mapping?.from !== undefined || pair.mapping?.back !== undefined) {
      issues.push(
        invalid(source)(
          `${column} belongs to the primary key of ${nameOf(source)} and has a mapping expression.`,
          'A key may be renamed but keeps its value: remove `from` and `back`.',
        ),
      );
    }
  }
  const same =
    mapped.length === target.primaryKey.length && mapped.every((each) => target.primaryKey.includes(each));
  if (!same && issues.length === 0) {
    issues.push(
      failed(target)(
        `The primary key of ${nameOf(target)} (${target.primaryKey.join(', ')}) is not that of ${nameOf(source)} (${mapped.join(', ')}).`,
        'Give both tables the same key columns.',
      ),
    );
  }
  return issues;
}

/** A column that the stream cannot fill must be able to fill itself. */
function unfedIssues({ target, pairs }: Carried): PlanIssue[] {
  const fed = new Set(pairs.map((each) => each.targetName));
  return target.columns
    .filter((each) => !fed.has(each.name) && !fillsItself(each))
    .map((each) =>
      failed(target)(
        `Nothing feeds ${each.name} of ${nameOf(target)}, which is NOT NULL and has no default.`,
        `Map a column to it, or: ALTER TABLE ${nameOf(target)} ALTER COLUMN ${ident(each.name)} DROP NOT NULL (or SET DEFAULT).`,
      ),
    );
}

function fillsItself(column: ColumnFacts): boolean {
  return !column.notNull || column.default !== null || column.identity !== null || column.generated;
}
