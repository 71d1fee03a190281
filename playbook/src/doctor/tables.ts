import { type Catalog, columnsIn, type TableFacts, tableIn } from '@strangler/cdc';
import type { Extraction } from '@strangler/config';
import type { Side } from '@strangler/ledger';
import { fenceTrigger } from '@strangler/ledger';
import { qualified } from '@strangler/postgres';
import { type Problem, refuse, warn } from './finding.ts';

/** What the catalogue of one side says about its tables that would go wrong, apart from how they map. */
export function tableProblems(side: Side, catalog: Catalog): Problem[] {
  return [...catalog.values()].flatMap((facts) => [
    ...storageProblems(side, facts),
    ...childProblems(side, facts),
    ...triggerProblems(side, facts),
    ...sequenceProblems(side, facts),
    ...typeProblems(side, facts),
    ...otherReplication(side, facts),
  ]);
}

const nameOf = (facts: TableFacts) => qualified(facts.table);

function storageProblems(side: Side, facts: TableFacts): Problem[] {
  if (facts.persistence === 'permanent') return [];
  return [
    refuse(
      `${nameOf(facts)} of the ${side} is ${facts.persistence}: its changes are not in the WAL.`,
      `ALTER TABLE ${nameOf(facts)} SET LOGGED.`,
    ),
  ];
}

function childProblems(side: Side, facts: TableFacts): Problem[] {
  return facts.children.flatMap((child) => {
    const name = qualified(child.table);
    if (!child.partition) {
      return [
        refuse(
          `${name} of the ${side} inherits from ${nameOf(facts)}: its rows are published under its own name.`,
          'Turn it into a partition, or end the inheritance.',
        ),
      ];
    }
    if (child.kind === 'table' || child.kind === 'partitioned') return [];
    return [
      refuse(
        `The partition ${name} of ${nameOf(facts)} at the ${side} is a ${child.kind} table: its changes are not in the WAL.`,
        'Detach it, or bring its rows here.',
      ),
    ];
  });
}

/** Rows are applied under the replica role, where only these triggers fire (trap 29). */
function triggerProblems(side: Side, facts: TableFacts): Problem[] {
  return facts.triggers
    .filter((each) => each.name !== fenceTrigger && (each.enabled === 'always' || each.enabled === 'replica'))
    .map((each) =>
      warn(
        `The trigger ${each.name} on ${nameOf(facts)} of the ${side} fires for applied rows, too: what it does was done by the owner already.`,
        `ALTER TABLE ${nameOf(facts)} ENABLE TRIGGER "${each.name}", so that it fires for the application only.`,
      ),
    );
}

function sequenceProblems(side: Side, facts: TableFacts): Problem[] {
  return facts.sequences.flatMap(({ sequence, cache, increment }) => {
    const name = qualified(sequence);
    if (increment < 0n) {
      return [
        refuse(
          `The sequence ${name} of the ${side} counts down.`,
          'Let it count up: a switch moves sequences forward only.',
        ),
      ];
    }
    if (cache === 1n) return [];
    return [
      warn(
        `The sequence ${name} of the ${side} hands out ${cache} values at a time: a session keeps its block over a switch, and its ids could meet those of the other side.`,
        `ALTER SEQUENCE ${name} CACHE 1, and let sessions reconnect before the first switch.`,
      ),
    ];
  });
}

/** Values that mean something only in their own database. */
const localTypes = /^(oid|lo|reg[a-z]+|tid|xid8?|cid)$/;

function typeProblems(side: Side, facts: TableFacts): Problem[] {
  return facts.columns
    .filter((column) => localTypes.test(column.type) || localTypes.test(column.baseType ?? ''))
    .map((column) =>
      warn(
        `${column.name} of ${nameOf(facts)} at the ${side} is of type ${column.type}: what it points to (a large object, a relation) is not carried.`,
        'Leave it behind with `omit: true`, or carry what it points to by other means.',
      ),
    );
}

function otherReplication(side: Side, facts: TableFacts): Problem[] {
  return facts.subscriptions.map((subscription) =>
    refuse(
      `The native subscription ${subscription} writes ${nameOf(facts)} of the ${side}: no fence stops it.`,
      `Take the table out of the subscription before sync.`,
    ),
  );
}

/** What foreign keys between tables that move and tables that stay will do (traps 28 and 41). */
export function foreignKeyProblems(catalog: Catalog): Problem[] {
  return [...catalog.values()].flatMap((facts) => [
    ...facts.foreignKeys
      .filter((key) => !catalog.has(qualified(key.references)))
      .filter((key) => ['cascade', 'set null', 'set default'].includes(key.onDelete))
      .map((key) =>
        warn(
          `A DELETE on ${qualified(key.references)}, which stays, reaches ${nameOf(facts)} (${key.name}, ${key.onDelete}): while the service owns, every such delete is refused, also of rows without any.`,
          'Drop the foreign key before the switch, and delete through the owner.',
        ),
      ),
    ...facts.referencedBy
      .filter((key) => !catalog.has(qualified(key.table)))
      .map((key) =>
        warn(
          `${qualified(key.table)}, which stays, references ${nameOf(facts)} (${key.name}): while the service owns, a row there can point only to what has been carried back, and carried deletes don't ask it.`,
          'Let its writers wait for the stream; `strangler verify` counts rows that point nowhere.',
        ),
      ),
  ]);
}

/** A mapping over several columns of which one may stay out of line: an update that leaves it alone doesn't send it (trap 3). */
export function toastProblems(
  extraction: Extraction,
  catalogs: { monolith: Catalog; service: Catalog },
): Problem[] {
  return extraction.tables.flatMap((mapping) =>
    (['monolith', 'service'] as const).flatMap((side) => {
      const facts = tableIn(catalogs[side], mapping[side]);
      if (!facts || facts.replicaIdentity === 'full') return [];
      const large = facts.columns.filter((each) => each.storage !== 'plain').map((each) => each.name);
      const all = facts.columns.map((each) => each.name);
      return mapping.columns.flatMap((column) => {
        const expression = (side === 'monolith' ? column.from : column.back) ?? '';
        const read = columnsIn(expression, all);
        const risky = read.filter((each) => large.includes(each));
        if (read.length < 2 || risky.length === 0) return [];
        return [
          warn(
            `The mapping of ${column.column} reads ${read.join(', ')} of ${nameOf(facts)}: an update that leaves a large value of ${risky.join(', ')} alone doesn't send it, and would stop the stream.`,
            `ALTER TABLE ${nameOf(facts)} REPLICA IDENTITY FULL, if values there are larger than 2 kB.`,
          ),
        ];
      });
    }),
  );
}

/** What is not fed on the other side, and ids that only one side can make. */
export function shapeProblems(
  extraction: Extraction,
  catalogs: { monolith: Catalog; service: Catalog },
): Problem[] {
  return extraction.tables.flatMap((mapping) => {
    const monolith = tableIn(catalogs.monolith, mapping.monolith);
    const service = tableIn(catalogs.service, mapping.service);
    if (!monolith || !service) return [];
    const to = new Map(mapping.columns.map((each) => [each.column, each.to]));
    const omitted = new Set(mapping.columns.filter((each) => each.omit).map((each) => each.column));
    const fed = new Set(
      monolith.columns
        .filter((each) => !omitted.has(each.name))
        .map((each) => to.get(each.name) ?? each.name),
    );
    const unfed = service.columns.filter((each) => !fed.has(each.name) && !each.generated);
    const sequencesThere = new Set(service.sequences.map((each) => each.column));
    const idsOnlyHere = monolith.sequences.filter(
      (each) => !omitted.has(each.column) && !sequencesThere.has(to.get(each.column) ?? each.column),
    );
    return [
      ...unfed.map((column) =>
        warn(
          `${column.name} of ${nameOf(service)} has no counterpart in the monolith: copied rows get its default, and its values do not come back in a reverse.`,
          'Keep in it only what the service can do without.',
        ),
      ),
      ...idsOnlyHere.map((each) =>
        warn(
          `${each.column} of ${nameOf(monolith)} comes from a sequence; ${to.get(each.column) ?? each.column} of ${nameOf(service)} has none.`,
          'Give it one (its value is moved ahead at a switch), or let the service make keys that cannot collide.',
        ),
      ),
    ];
  });
}
