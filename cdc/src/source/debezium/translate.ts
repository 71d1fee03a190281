import { type Lsn, lsn } from '@strangler/postgres';
import type { Cells, Change, ChangeEvent, Relation } from '../change.ts';
import { isObject, type Json } from './json.ts';
import { type DebeziumRecord, lastRecordKey, type RecordSource, type Row } from './record.ts';
import { cellOf } from './value.ts';

/** The message by which we ask the source where it is, as it comes back. */
export const heartbeatPrefix = 'strangler.heartbeat';

/** The columns of a table that are carried, with their types as format_type prints them. */
export interface SourceTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly typeOid: number;
    readonly key: boolean;
  }[];
  /** Updates and deletes carry the whole old row. */
  readonly full: boolean;
}

/** A record as it lies in the topic. */
export interface TopicRecord {
  readonly value: DebeziumRecord | null;
  /** Whether this is the old row of an update that changed its key: its new row follows. */
  readonly rekeyed: boolean;
  key(): Row | null;
  /** The old key, of the new row of such an update. */
  oldKey(): Row | null;
}

/**
 * Where the source was when everything up to this record was in the topic: at the end of a transaction, and at a
 * heartbeat of ours. Undefined of every other record.
 */
export function positionOf(record: DebeziumRecord): Lsn | undefined {
  if (record.status === 'END') return idOf(record).position;
  const { source, message } = record;
  const heartbeat = isObject(message) && message['prefix'] === heartbeatPrefix;
  return heartbeat && source && isOutside(record, source) ? integer(source.lsn) : undefined;
}

/** A message outside a transaction comes at once, in the order of the log. */
function isOutside(record: DebeziumRecord, source: RecordSource): boolean {
  return !record.inTransaction || source.txId === null;
}

/** The records are not what the connector promises. */
export class MalformedRecord extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'MalformedRecord';
  }
}

/** The last moment that a date can hold, before and after 1970. */
const lastMs = 8.64e15;

interface Open {
  readonly txId: string;
  readonly commitTime: string;
  begun: boolean;
  /** Records since its beginning was last said. */
  seen: number;
  /** Whether it was said again, and nothing has come since. */
  again: boolean;
  /** Position of its last record. */
  at: Json | undefined;
  /** Whether more may lie at that position (rows of one COPY, tables of one TRUNCATE, both halves of a changed key). */
  mayGoOn: boolean;
  /** Truncated and not yet said: what one statement did arrives as a record for each table. */
  truncated: Relation[];
}

/** Turns Debezium's records into the change events that pgoutput gives. */
export class DebeziumTranslator {
  readonly #tables: readonly Known[];
  readonly #emit: (event: ChangeEvent) => void;
  /** Most records are of the same table as the one before. */
  #table: Known | undefined;
  #open: Open | undefined;
  #commitMs = Number.NaN;
  #commitTime = '';

  constructor(tables: readonly SourceTable[], emit: (event: ChangeEvent) => void) {
    this.#tables = tables.map((table) => new Known(table));
    this.#emit = emit;
  }

  /**
   * Tells the events of a record.
   * @returns where the source is, if that is all that the record says
   * @throws MalformedRecord when a record does not follow from those before it, UnreadableValue
   */
  translate(record: TopicRecord): Lsn | undefined {
    const { value } = record;
    if (value === null || value[lastRecordKey] !== null) return undefined;
    if (value.source !== null) {
      if (value.op === 'm') return this.#message(value, value.source);
      this.#row(record, value, value.source);
    } else if (value.status === 'BEGIN') this.#begin(value);
    else if (value.status === 'END') this.#end(value);
    else throw new MalformedRecord('a record has no source');
    return undefined;
  }

  #begin(value: DebeziumRecord): void {
    const { txId } = idOf(value);
    if (this.#open) {
      this.#again(this.#open, txId);
      return;
    }
    const { ts_ms: ms } = value;
    if (typeof ms !== 'number' || Math.abs(ms) > lastMs)
      throw new MalformedRecord('a transaction has no time');
    this.#open = {
      txId,
      commitTime: this.#commitTimeOf(ms),
      begun: false,
      seen: 0,
      again: false,
      at: undefined,
      mayGoOn: false,
      truncated: [],
    };
  }

  /**
   * A connector that died within a transaction says its beginning again, counts from there on, and takes every record
   * of the position that it had come to for done (trap 74).
   */
  #again(open: Open, txId: string): void {
    if (open.txId !== txId)
      throw new MalformedRecord(`a transaction begins inside the transaction ${open.txId}`);
    if (open.mayGoOn)
      throw new MalformedRecord(
        `its connector died within the transaction ${open.txId}, behind a row that may have been written at once with others, and passes over those`,
      );
    open.seen = 0;
    open.again = true;
  }

  /** What comes after such a failure must come behind what came before it. */
  #follows(open: Open, { lsn: at }: RecordSource, mayGoOn: boolean): void {
    if (open.again && open.at !== undefined && integer(at) < integer(open.at))
      throw new MalformedRecord(`a part of the transaction ${open.txId} was sent again`);
    open.again = false;
    open.at = at;
    open.mayGoOn = mayGoOn;
    open.seen += 1;
  }

  /** Many transactions commit in the same millisecond. */
  #commitTimeOf(ms: number): string {
    if (ms !== this.#commitMs) {
      this.#commitMs = ms;
      this.#commitTime = `${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')}+00`;
    }
    return this.#commitTime;
  }

  #end(value: DebeziumRecord): void {
    const { txId, position } = idOf(value);
    const open = this.#within(txId);
    if (Number(value.event_count) !== open.seen)
      throw new MalformedRecord(
        `the transaction ${open.txId} has ${String(value.event_count)} events, ${open.seen} arrived`,
      );
    this.#before(open, null);
    this.#open = undefined;
    this.#emit({ kind: 'commit', position });
  }

  #message(value: DebeziumRecord, source: RecordSource): Lsn | undefined {
    const { message } = value;
    const prefix = isObject(message) ? message['prefix'] : undefined;
    if (typeof prefix !== 'string') throw new MalformedRecord('a message has no prefix');
    if (isOutside(value, source))
      return prefix === heartbeatPrefix && !this.#open ? integer(source.lsn) : undefined;
    const open = this.#within(String(source.txId));
    this.#follows(open, source, false);
    const content = isObject(message) ? message['content'] : undefined;
    this.#before(open, source);
    this.#emit({ kind: 'message', prefix, content: Buffer.from(String(content ?? ''), 'hex') });
    return undefined;
  }

  #row(record: TopicRecord, value: DebeziumRecord, source: RecordSource): void {
    const open = this.#within(String(source.txId));
    const { op } = value;
    this.#follows(open, source, op === 'c' || op === 't' || record.rekeyed);
    const table = this.#tableOf(source);
    if (op === 't') {
      if (table) open.truncated.push(table.relation);
      this.#begun(open, source);
      return;
    }
    this.#before(open, source);
    const change = table && changeOf(table, record, value);
    if (change) this.#emit(change);
  }

  #within(txId: string): Open {
    if (this.#open?.txId === txId) return this.#open;
    throw new MalformedRecord(`a record of the transaction ${txId} is outside it`);
  }

  #tableOf({ schema, table }: RecordSource): Known | undefined {
    const isIt = (known: Known) => known.name === table && known.schema === schema;
    if (!this.#table || !isIt(this.#table)) this.#table = this.#tables.find(isIt);
    return this.#table;
  }

  /** What must come before the record: the transaction's beginning, and tables that were truncated together. */
  #before(open: Open, source: RecordSource | null): void {
    this.#begun(open, source);
    if (open.truncated.length === 0) return;
    const relations = open.truncated;
    open.truncated = [];
    this.#emit({ kind: 'truncate', relations });
  }

  #begun(open: Open, source: RecordSource | null): void {
    if (open.begun) return;
    open.begun = true;
    const origin = source?.origin;
    this.#emit({
      kind: 'begin',
      commitTime: open.commitTime,
      origin: typeof origin === 'string' ? origin : null,
    });
  }
}

/** A table whose records are read. */
class Known {
  readonly relation: Relation;
  readonly schema: string;
  readonly name: string;
  readonly full: boolean;
  readonly columns: SourceTable['columns'];
  readonly #places = new WeakMap<readonly string[], readonly number[]>();

  constructor({ schema, name, full, columns }: SourceTable) {
    this.relation = { schema, name, columns };
    this.schema = schema;
    this.name = name;
    this.full = full;
    this.columns = columns;
  }

  /** The row's cells in the order of the columns; those of its key alone, and null in place of the others. */
  cells(row: Row | null, keyOnly: boolean): Cells {
    if (!row) throw new MalformedRecord(`a change of ${this.schema}.${this.name} has no row`);
    const places = this.#placesIn(row.names);
    return this.columns.map((column, index) => {
      if (keyOnly && !column.key) return null;
      const value = row.values[places[index] ?? -1];
      if (value === undefined)
        throw new MalformedRecord(`${this.schema}.${this.name} arrived without its column ${column.name}`);
      return cellOf(value, column.type);
    });
  }

  #placesIn(names: readonly string[]): readonly number[] {
    let places = this.#places.get(names);
    if (!places) {
      places = this.columns.map((column) => names.indexOf(column.name));
      this.#places.set(names, places);
    }
    return places;
  }
}

function changeOf(table: Known, record: TopicRecord, value: DebeziumRecord): Change | undefined {
  const { relation } = table;
  const name = `${table.schema}.${table.name}`;
  switch (value.op) {
    case 'c': {
      const row = table.cells(value.after, false);
      // An update that changed the key arrives as a delete and an insert; its values may be left unchanged.
      const oldKey = record.oldKey();
      return oldKey
        ? { kind: 'update', relation, old: table.cells(oldKey, true), row }
        : { kind: 'insert', relation, row };
    }
    case 'u': {
      const { before } = value;
      // Without it, what the update left alone could not be told from NULL.
      if (table.full && !before)
        throw new MalformedRecord(
          `an update of ${name} has no old row, it has lost its REPLICA IDENTITY FULL`,
        );
      const old = before && table.cells(before, !table.full);
      return { kind: 'update', relation, old, row: table.cells(value.after, false) };
    }
    case 'd':
      if (record.rekeyed) return undefined;
      return {
        kind: 'delete',
        relation,
        old: table.full ? table.cells(value.before, false) : table.cells(record.key(), true),
      };
    case 'r':
      // The copy is ours alone: an old row would arrive as a new one (trap 83).
      throw new MalformedRecord(`${name} was read again: somebody asked for a snapshot`);
    default:
      throw new MalformedRecord(`unknown operation ${String(value.op)}`);
  }
}

/** The id differs between BEGIN, rows and END of one transaction: only its first part is the transaction's (trap 82). */
function idOf(value: DebeziumRecord): { txId: string; position: Lsn } {
  const [, txId, position] = /^(\d+):(\d+)$/.exec(String(value.id)) ?? [];
  if (txId === undefined || position === undefined)
    throw new MalformedRecord(`unknown transaction id ${String(value.id)}`);
  return { txId, position: lsn(BigInt(position)) };
}

function integer(value: Json): Lsn {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if ((typeof value !== 'bigint' && typeof value !== 'number') || !isWhole || value < 0)
    throw new MalformedRecord('a record has no position');
  return lsn(BigInt(value));
}
