import { qualified, type TableName } from '@strangler/postgres';

/** What the toolkit needs to know about one column. */
export interface ColumnFacts {
  readonly name: string;
  /** As format_type prints it; a type outside pg_catalog always with its schema. */
  readonly type: string;
  readonly typeOid: number;
  /** Whether every server knows the type (its oid is PostgreSQL's own). */
  readonly builtin: boolean;
  /** Of a domain: the built-in type under it, by which its text can be read in another database. */
  readonly baseType: string | null;
  /** Labels of an enum, in order; of an array of one, its elements'. */
  readonly enumLabels: readonly string[] | null;
  /** Of an array, its elements'. */
  readonly typeKind: 'base' | 'composite' | 'domain' | 'enum' | 'range' | 'multirange';
  /** Expressions of the validated CHECK constraints on this column alone, as pg_get_expr prints them. */
  readonly checks: readonly string[];
  readonly notNull: boolean;
  /** The default's expression; also of a generated column. */
  readonly default: string | null;
  readonly identity: 'always' | 'by default' | null;
  readonly generated: boolean;
  readonly storage: 'plain' | 'external' | 'extended' | 'main';
}

export interface UniqueIndex {
  readonly name: string;
  /** Its key columns; an expression is null. */
  readonly columns: readonly (string | null)[];
  readonly primary: boolean;
  readonly partial: boolean;
  /** False: checked at the statement's or transaction's end. */
  readonly immediate: boolean;
  readonly valid: boolean;
}

export type ForeignKeyAction = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';

export interface ForeignKey {
  readonly name: string;
  readonly table: TableName;
  readonly columns: readonly string[];
  readonly references: TableName;
  readonly referencedColumns: readonly string[];
  readonly onDelete: ForeignKeyAction;
  readonly onUpdate: ForeignKeyAction;
  readonly deferrable: boolean;
  readonly validated: boolean;
}

export interface Trigger {
  readonly name: string;
  /** pg_trigger.tgenabled: fires on origin, in replicas only, always, or never. */
  readonly enabled: 'origin' | 'replica' | 'always' | 'disabled';
}

/** A sequence that feeds a column: an identity, a serial, or a default that calls nextval. */
export interface ColumnSequence {
  readonly column: string;
  readonly sequence: TableName;
  readonly cache: bigint;
  readonly increment: bigint;
}

export type RelationKind = 'table' | 'partitioned' | 'foreign' | 'view' | 'materialized view';

/** A partition or an inheritance child, at any depth. */
export interface Child {
  readonly table: TableName;
  readonly kind: RelationKind;
  readonly partition: boolean;
  /** Whether it has REPLICA IDENTITY FULL: its parent's does not count for it. */
  readonly full: boolean;
}

export interface TableFacts {
  readonly table: TableName;
  readonly oid: number;
  readonly kind: RelationKind;
  readonly persistence: 'permanent' | 'unlogged' | 'temporary';
  /** server_version_num of the database. */
  readonly serverVersion: number;
  readonly owner: string;
  readonly rowSecurity: boolean;
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index';
  /** The index behind replicaIdentity `index`. */
  readonly identityIndex: string | null;
  /** As of the last ANALYZE or VACUUM, partitions together; -1 = never. */
  readonly estimatedRows: number;
  /** Pages of the heap, partitions together. */
  readonly pages: number;
  readonly columns: readonly ColumnFacts[];
  readonly primaryKey: readonly string[];
  readonly uniqueIndexes: readonly UniqueIndex[];
  /** Of this table, to others. */
  readonly foreignKeys: readonly ForeignKey[];
  /** Of others, to this table. */
  readonly referencedBy: readonly ForeignKey[];
  readonly triggers: readonly Trigger[];
  readonly children: readonly Child[];
  readonly sequences: readonly ColumnSequence[];
  readonly publications: readonly string[];
  readonly subscriptions: readonly string[];
}

/** The tables that are there, by qualified name; ask with `tableIn`. */
export type Catalog = ReadonlyMap<string, TableFacts>;

/** The table's facts, or undefined if there is no such table. */
export function tableIn(catalog: Catalog, table: TableName): TableFacts | undefined {
  return catalog.get(qualified(table));
}
