import { type Lsn, lsn, qualified } from '@strangler/postgres';
import {
  type Cells,
  MalformedMessage,
  type PgoutputMessage,
  type Relation,
  unchanged,
} from '../source/index.ts';
import type { ColumnType } from './type.ts';
import { debeziumUnchanged, debeziumValue } from './value.ts';

/** What Debezium would write for a change: one record of a topic. Each part is JSON text, so that no digit is lost. */
export interface TailRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** null: a tombstone. */
  readonly value: string | null;
}

/** What the encoder knows beside the stream. */
export interface TailFacts {
  /** Debezium's `topic.prefix`. */
  readonly prefix: string;
  readonly database: string;
  /** Debezium's `unavailable.value.placeholder`. */
  readonly placeholder: string;
  /** A tombstone after each delete, for compacted topics. */
  readonly tombstones: boolean;
  readonly types: ReadonlyMap<number, ColumnType>;
  /** By qualified name: the primary key of a table under REPLICA IDENTITY FULL, where every column identifies. */
  readonly fullKeys: ReadonlyMap<string, readonly string[]>;
}

/** Whose JSON it is. */
const version = '3.6.0.Final';
const epochMicros = 946_684_800_000_000n;

interface Transaction {
  readonly xid: number;
  readonly micros: bigint;
  origin: { name: string; position: Lsn } | undefined;
  readonly counts: Map<string, number>;
  total: number;
}

type RowMessage = Extract<PgoutputMessage, { tag: 'insert' | 'update' | 'delete' }>;
type Op = 'c' | 'u' | 'd' | 't' | 'm';

const json = (value: unknown) => JSON.stringify(value);
const object = (fields: readonly (readonly [string, string | undefined])[]) =>
  `{${fields.flatMap(([name, value]) => (value === undefined ? [] : [`${json(name)}:${value}`])).join(',')}}`;

/** Turns pgoutput's messages, each with its place in the log, into Debezium's records (schemas off, lossless modes). */
export class TailEncoder {
  readonly #facts: TailFacts;
  readonly #nowMs: () => number;
  readonly #relations = new Map<number, Relation>();
  #open: Transaction | undefined;
  #lastCommit: Lsn | undefined;

  constructor(facts: TailFacts, nowMs: () => number = Date.now) {
    this.#facts = facts;
    this.#nowMs = nowMs;
  }

  /** The records that a message makes, in order. `originAt`: the commit's place at the origin, with an `origin`. */
  encode(message: PgoutputMessage, at: Lsn, originAt: Lsn = lsn(0n)): TailRecord[] {
    switch (message.tag) {
      case 'relation': {
        const { oid, schema, name, columns } = message;
        this.#relations.set(oid, { schema, name, columns });
        return [];
      }
      case 'type':
        return [];
      case 'begin':
        return this.#begin(message.xid, at, message.commitTimeMicros + epochMicros);
      case 'origin':
        this.#transaction().origin = { name: message.name, position: originAt };
        return [];
      case 'commit':
        return this.#commit(at);
      case 'message':
        return [this.#message(message, at)];
      case 'truncate':
        return message.oids.map((oid) =>
          this.#row('t', this.#relation(oid), at, { before: null, after: null, key: null }),
        );
      default:
        return this.#change(message, at);
    }
  }

  #begin(xid: number, at: Lsn, micros: bigint): TailRecord[] {
    if (this.#open) throw new MalformedMessage('a transaction inside a transaction');
    this.#open = { xid, micros, origin: undefined, counts: new Map(), total: 0 };
    return [this.#boundary(this.#open, 'BEGIN', at)];
  }

  #commit(at: Lsn): TailRecord[] {
    const record = this.#boundary(this.#transaction(), 'END', at);
    this.#lastCommit = at;
    this.#open = undefined;
    return [record];
  }

  #boundary({ xid, micros, counts, total }: Transaction, status: 'BEGIN' | 'END', at: Lsn): TailRecord {
    const collections = [...counts].map(([name, count]) => ({ data_collection: name, event_count: count }));
    const id = `${xid}:${at}`;
    const value = {
      status,
      id,
      event_count: status === 'END' ? total : null,
      data_collections: status === 'END' ? collections : null,
      ts_ms: Number(micros / 1_000n),
    };
    return { topic: `${this.#facts.prefix}.transaction`, key: json({ id }), headers: {}, value: json(value) };
  }

  #change(message: RowMessage, at: Lsn): TailRecord[] {
    const relation = this.#relation(message.oid);
    const after = message.tag === 'delete' ? null : message.row;
    const old = message.tag === 'insert' ? null : message.old;
    const [key, oldKey] = [this.#key(relation, after), this.#key(relation, old)];
    if (message.tag === 'insert') return [this.#row('c', relation, at, { before: null, after, key })];
    if (message.tag === 'delete') return this.#deletion(relation, at, old, oldKey);
    if (old === null || oldKey === key) return [this.#row('u', relation, at, { before: old, after, key })];
    // A key that changed is a delete and a create, each with the other's key.
    return [
      ...this.#deletion(relation, at, old, oldKey, key === null ? {} : { '__debezium.newkey': key }),
      {
        ...this.#row('c', relation, at, { before: null, after, key }),
        headers: oldKey === null ? {} : { '__debezium.oldkey': oldKey },
      },
    ];
  }

  #deletion(
    relation: Relation,
    at: Lsn,
    before: Cells | null,
    key: string | null,
    headers: Record<string, string> = {},
  ): TailRecord[] {
    const record = { ...this.#row('d', relation, at, { before, after: null, key }), headers };
    return this.#facts.tombstones ? [record, { ...record, headers: {}, value: null }] : [record];
  }

  #row(
    op: Op,
    relation: Relation,
    at: Lsn,
    { before, after, key }: { before: Cells | null; after: Cells | null; key: string | null },
  ): TailRecord {
    const name = `${relation.schema}.${relation.name}`;
    const value = object([
      ['before', this.#cells(relation, before)],
      ['after', this.#cells(relation, after)],
      ['source', this.#source(relation.schema, relation.name, at, true)],
      ['transaction', this.#counted(name, at)],
      ['op', json(op)],
      ...this.#now(),
    ]);
    return { topic: `${this.#facts.prefix}.${name}`, key, headers: {}, value };
  }

  #message(message: Extract<PgoutputMessage, { tag: 'message' }>, at: Lsn): TailRecord {
    const { transactional, prefix, content } = message;
    // One outside a transaction counts as the last commit, for itself, too.
    if (!transactional) this.#lastCommit = at;
    const value = object([
      ['op', json('m')],
      ...this.#now(),
      ['source', this.#source('', '', at, transactional)],
      ['message', json({ prefix, content: Buffer.from(content).toString('hex') })],
      ['transaction', transactional ? this.#counted('message', at) : 'null'],
    ]);
    return { topic: `${this.#facts.prefix}.message`, key: json({ prefix }), headers: {}, value };
  }

  /** Where the record came from: Debezium's source block. */
  #source(schema: string, table: string, at: Lsn, transactional: boolean): string {
    const open = transactional ? this.#transaction() : undefined;
    const micros = open ? open.micros : BigInt(this.#nowMs()) * 1_000n;
    const last = this.#lastCommit === undefined ? null : String(this.#lastCommit);
    return object([
      ['version', json(version)],
      ['connector', json('postgresql')],
      ['name', json(this.#facts.prefix)],
      ['ts_ms', String(micros / 1_000n)],
      ['snapshot', json('false')],
      ['db', json(this.#facts.database)],
      ['sequence', json(json([last, String(at)]))],
      ['ts_us', String(micros)],
      ['ts_ns', String(micros * 1_000n)],
      ['schema', json(schema)],
      ['table', json(table)],
      ['txId', open ? String(open.xid) : 'null'],
      ['lsn', String(at)],
      ['xmin', 'null'],
      ['origin', json(open?.origin?.name ?? null)],
      ['origin_lsn', open?.origin ? String(open.origin.position) : 'null'],
    ]);
  }

  /** A record's place in its transaction; counts it. */
  #counted(collection: string, at: Lsn): string {
    const open = this.#transaction();
    const order = (open.counts.get(collection) ?? 0) + 1;
    open.counts.set(collection, order);
    open.total += 1;
    return json({ id: `${open.xid}:${at}`, total_order: open.total, data_collection_order: order });
  }

  #cells(relation: Relation, cells: Cells | null): string {
    if (cells === null) return 'null';
    return object(
      relation.columns.map((column, index) => [
        column.name,
        this.#cell(relation, cells, index, column.typeOid),
      ]),
    );
  }

  #cell(relation: Relation, cells: Cells, index: number, typeOid: number): string | undefined {
    const type = this.#facts.types.get(typeOid);
    const cell = cells[index];
    if (!type || cell === undefined)
      throw new MalformedMessage(`a value of ${relation.name} has the unknown type ${typeOid}`);
    return cell === unchanged ? debeziumUnchanged(type, this.#facts.placeholder) : debeziumValue(cell, type);
  }

  /** The row's key; null for a table without one. */
  #key(relation: Relation, cells: Cells | null): string | null {
    if (cells === null) return null;
    const full = this.#facts.fullKeys.get(qualified(relation));
    const fields = relation.columns.flatMap((column, index) =>
      (full ? full.includes(column.name) : column.key)
        ? [[column.name, this.#cell(relation, cells, index, column.typeOid)] as const]
        : [],
    );
    return fields.length === 0 ? null : object(fields);
  }

  #now(): (readonly [string, string])[] {
    const ms = this.#nowMs();
    return [
      ['ts_ms', String(ms)],
      ['ts_us', String(BigInt(ms) * 1_000n)],
      ['ts_ns', String(BigInt(ms) * 1_000_000n)],
    ];
  }

  #transaction(): Transaction {
    if (!this.#open) throw new MalformedMessage('a change outside a transaction');
    return this.#open;
  }

  #relation(oid: number): Relation {
    const relation = this.#relations.get(oid);
    if (!relation) throw new MalformedMessage(`relation ${oid} was never described`);
    return relation;
  }
}

/** A record as one line of JSON. */
export function recordLine({ topic, key, headers, value }: TailRecord): string {
  return object([
    ['topic', json(topic)],
    ['key', key ?? 'null'],
    ['headers', object(Object.entries(headers))],
    ['value', value ?? 'null'],
  ]);
}
