import { type Lsn, lsn } from '@strangler/postgres';
import type { Cells, ChangeEvent, Relation } from '../change.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { cellOf } from './value.ts';

/** The message by which we ask the source where it is, as it comes back. */
export const heartbeatPrefix = 'strangler.heartbeat';

/** The only key of a record of ours: the connector is stopped, and nothing of it comes behind this record. */
export const lastRecordKey = 'strangler_last';

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
  readonly key: Json;
  readonly value: Json;
  /** The old key, of the new row of an update that changed it. */
  readonly oldKey: Json;
  /** Whether this is the old row of such an update: its new row follows. */
  readonly rekeyed: boolean;
}

/** What a record says: events, or only where the source is. */
export type Translated =
  | { readonly kind: 'events'; readonly events: readonly ChangeEvent[] }
  | { readonly kind: 'position'; readonly position: Lsn };

/**
 * Where the source was when everything up to this record was in the topic: at the end of a transaction, and at a
 * heartbeat of ours. Undefined of every other record.
 */
export function positionOf(value: Json): Lsn | undefined {
  if (!isObject(value)) return undefined;
  if (value['status'] === 'END') return idOf(value).position;
  const { source, message } = value;
  const heartbeat = isObject(message) && message['prefix'] === heartbeatPrefix;
  return heartbeat && isObject(source) && isOutside(value, source) ? integer(source['lsn']) : undefined;
}

/** A message outside a transaction comes at once, in the order of the log. */
function isOutside(value: JsonObject, source: JsonObject): boolean {
  return value['transaction'] === null || value['transaction'] === undefined || source['txId'] === null;
}

/** The records are not what the connector promises. */
export class MalformedRecord extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'MalformedRecord';
  }
}

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

const none: Translated = { kind: 'events', events: [] };

/** Turns Debezium's records into the change events that pgoutput gives. */
export class DebeziumTranslator {
  readonly #tables: ReadonlyMap<string, Known>;
  #open: Open | undefined;
  #commitMs = Number.NaN;
  #commitTime = '';

  constructor(tables: readonly SourceTable[]) {
    this.#tables = new Map(
      tables.map((each) => [
        `${each.schema}.${each.name}`,
        { ...each, relation: { schema: each.schema, name: each.name, columns: each.columns } },
      ]),
    );
  }

  /** @throws MalformedRecord when a record does not follow from those before it, UnreadableValue */
  translate(record: TopicRecord): Translated {
    const { value } = record;
    if (value === null) return none;
    if (!isObject(value)) throw new MalformedRecord('a record is no object');
    if (value['status'] === 'BEGIN') return this.#begin(value);
    if (value['status'] === 'END') return this.#end(value);
    if (value[lastRecordKey] !== undefined) return none;
    const source = value['source'];
    if (!isObject(source)) throw new MalformedRecord('a record has no source');
    if (value['op'] === 'm') return this.#message(value, source);
    return this.#row(record, value, source);
  }

  #begin(value: JsonObject): Translated {
    const { txId } = idOf(value);
    if (this.#open) return this.#again(this.#open, txId);
    const ms = value['ts_ms'];
    if (typeof ms !== 'number') throw new MalformedRecord('a transaction has no time');
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
    return none;
  }

  /**
   * A connector that died within a transaction says its beginning again, counts from there on, and takes every record
   * of the position that it had come to for done (trap 74).
   */
  #again(open: Open, txId: string): Translated {
    if (open.txId !== txId)
      throw new MalformedRecord(`a transaction begins inside the transaction ${open.txId}`);
    if (open.mayGoOn)
      throw new MalformedRecord(
        `its connector died within the transaction ${open.txId}, behind a row that may have been written at once with others, and passes over those`,
      );
    open.seen = 0;
    open.again = true;
    return none;
  }

  /** What comes after such a failure must come behind what came before it. */
  #follows(open: Open, source: JsonObject, mayGoOn: boolean): void {
    const { lsn: at } = source;
    if (open.again && open.at !== undefined && integer(at) < integer(open.at))
      throw new MalformedRecord(`a part of the transaction ${open.txId} was sent again`);
    open.again = false;
    open.at = at;
    open.mayGoOn = mayGoOn;
  }

  /** Many transactions commit in the same millisecond. */
  #commitTimeOf(ms: number): string {
    if (ms !== this.#commitMs) {
      this.#commitMs = ms;
      this.#commitTime = `${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')}+00`;
    }
    return this.#commitTime;
  }

  #end(value: JsonObject): Translated {
    const { txId, position } = idOf(value);
    const open = this.#within(txId);
    if (Number(value['event_count']) !== open.seen)
      throw new MalformedRecord(
        `the transaction ${open.txId} has ${String(value['event_count'])} events, ${open.seen} arrived`,
      );
    const events = [...this.#before(open, null), { kind: 'commit', position } as const];
    this.#open = undefined;
    return { kind: 'events', events };
  }

  #message(value: JsonObject, source: JsonObject): Translated {
    const message = value['message'];
    const prefix = isObject(message) ? message['prefix'] : undefined;
    if (typeof prefix !== 'string') throw new MalformedRecord('a message has no prefix');
    if (isOutside(value, source)) {
      if (prefix !== heartbeatPrefix || this.#open) return none;
      return { kind: 'position', position: integer(source['lsn']) };
    }
    const open = this.#within(String(source['txId']));
    this.#follows(open, source, false);
    open.seen += 1;
    const content = isObject(message) ? message['content'] : undefined;
    return {
      kind: 'events',
      events: [
        ...this.#before(open, source),
        { kind: 'message', prefix, content: Buffer.from(String(content ?? ''), 'hex') },
      ],
    };
  }

  #row(record: TopicRecord, value: JsonObject, source: JsonObject): Translated {
    const open = this.#within(String(source['txId']));
    const { op } = value;
    this.#follows(open, source, op === 'c' || op === 't' || record.rekeyed);
    open.seen += 1;
    const table = this.#tables.get(`${String(source['schema'])}.${String(source['table'])}`);
    if (op === 't') {
      if (table) open.truncated.push(table.relation);
      return { kind: 'events', events: this.#begun(open, source) };
    }
    const before = this.#before(open, source);
    if (!table) return { kind: 'events', events: before };
    return { kind: 'events', events: [...before, ...changesOf(table, record, value)] };
  }

  #within(txId: string): Open {
    if (this.#open?.txId === txId) return this.#open;
    throw new MalformedRecord(`a record of the transaction ${txId} is outside it`);
  }

  /** What must come before the record: the transaction's beginning, and tables that were truncated together. */
  #before(open: Open, source: JsonObject | null): ChangeEvent[] {
    const begun = this.#begun(open, source);
    if (open.truncated.length === 0) return begun;
    const relations = open.truncated;
    open.truncated = [];
    return [...begun, { kind: 'truncate', relations }];
  }

  #begun(open: Open, source: JsonObject | null): ChangeEvent[] {
    if (open.begun) return [];
    open.begun = true;
    const origin = source?.['origin'];
    return [
      { kind: 'begin', commitTime: open.commitTime, origin: typeof origin === 'string' ? origin : null },
    ];
  }
}

interface Known extends SourceTable {
  readonly relation: Relation;
}

function changesOf(table: Known, record: TopicRecord, value: JsonObject): ChangeEvent[] {
  const { relation } = table;
  switch (value['op']) {
    case 'c': {
      const row = cellsOf(table, value['after'], false);
      // An update that changed the key arrives as a delete and an insert; its values may be left unchanged.
      if (isObject(record.oldKey))
        return [{ kind: 'update', relation, old: cellsOf(table, record.oldKey, true), row }];
      return [{ kind: 'insert', relation, row }];
    }
    case 'u': {
      // Without it, what the update left alone could not be told from NULL.
      if (table.full && !isObject(value['before']))
        throw new MalformedRecord(
          `an update of ${table.schema}.${table.name} has no old row, it has lost its REPLICA IDENTITY FULL`,
        );
      const old = isObject(value['before']) ? cellsOf(table, value['before'], !table.full) : null;
      return [{ kind: 'update', relation, old, row: cellsOf(table, value['after'], false) }];
    }
    case 'd':
      if (record.rekeyed) return [];
      return [
        {
          kind: 'delete',
          relation,
          old: cellsOf(table, table.full ? value['before'] : record.key, !table.full),
        },
      ];
    case 'r':
      // The copy is ours alone: an old row would arrive as a new one (trap 83).
      throw new MalformedRecord(
        `${table.schema}.${table.name} was read again: somebody asked for a snapshot`,
      );
    default:
      throw new MalformedRecord(`unknown operation ${String(value['op'])}`);
  }
}

function cellsOf(table: SourceTable, row: Json | undefined, keyOnly: boolean): Cells {
  if (!isObject(row)) throw new MalformedRecord(`a change of ${table.schema}.${table.name} has no row`);
  return table.columns.map((column) => {
    if (keyOnly && !column.key) return null;
    const value = row[column.name];
    if (value === undefined)
      throw new MalformedRecord(`${table.schema}.${table.name} arrived without its column ${column.name}`);
    return cellOf(value, column.type);
  });
}

/** The id differs between BEGIN, rows and END of one transaction: only its first part is the transaction's (trap 82). */
function idOf(value: JsonObject): { txId: string; position: Lsn } {
  const [, txId, position] = /^(\d+):(\d+)$/.exec(String(value['id'])) ?? [];
  if (txId === undefined || position === undefined)
    throw new MalformedRecord(`unknown transaction id ${String(value['id'])}`);
  return { txId, position: lsn(BigInt(position)) };
}

function integer(value: Json | undefined): Lsn {
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new MalformedRecord('a record has no position');
  return lsn(BigInt(value));
}
