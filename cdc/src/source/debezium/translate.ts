import { type Lsn, lsn, qualified } from '@strangler/postgres';
import type { Cells, ChangeEvent, LogicalMessage } from '../change.ts';
import { MalformedMessage } from '../cursor.ts';
import type { SourceTable } from './columns.ts';
import { type Json, type JsonObject, parseJson } from './json.ts';
import { cellOf } from './value.ts';

/** A record of the topic, as the transport gives it. */
export interface TopicRecord {
  readonly value: string | null;
  /** Debezium says in headers that a delete and an insert are one change of a key. */
  readonly newKey: string | undefined;
  readonly oldKey: string | undefined;
}

/** The prefix of the messages by which we tell how far the topic is. */
export const heartbeatPrefix = 'strangler.heartbeat';

/** A heartbeat of ours: everything that committed before it has been sent. */
export interface PositionReached {
  readonly kind: 'position';
  readonly position: Lsn;
}

interface OpenTransaction {
  readonly xid: string;
  readonly beganMs: string;
  /** Highest total_order that has come. */
  order: number;
  told: boolean;
}

/**
 * Turns Debezium's records into change events. A transaction's records are joined by the part of its id before the
 * colon (the rest differs between them, trap 82); every record must have come when it ends.
 */
export class DebeziumTranslator {
  readonly #tables: ReadonlyMap<string, SourceTable>;
  #open: OpenTransaction | undefined;
  /** The old row of a change of key, whose new row comes next. */
  #moved: Cells | undefined;

  /** @param tables what is published, by qualified name. */
  constructor(tables: ReadonlyMap<string, SourceTable>) {
    this.#tables = tables;
  }

  /** @throws MalformedMessage when a record cannot follow what came before it. */
  translate(record: TopicRecord): (ChangeEvent | PositionReached)[] {
    if (record.value === null) return [];
    const value = objectOf(parseJson(record.value), 'a record');
    if (typeof value['status'] === 'string') return this.#boundary(value, value['status']);
    const source = objectOf(value['source'], 'source');
    const operation = textOf(value['op'], 'op');
    if (operation === 'm' && value['transaction'] === null) return this.#reached(value, source);
    const open = this.#member(source, objectOf(value['transaction'], 'transaction'));
    if (!open) return [];
    const events: ChangeEvent[] = [];
    if (!open.told) {
      open.told = true;
      events.push(beginOf(micros(textOf(source['ts_us'], 'ts_us')), source['origin'] ?? null));
    }
    const event = operation === 'm' ? messageOf(value) : this.#change(operation, source, value, record);
    if (event) events.push(event);
    return events;
  }

  #boundary(value: JsonObject, status: string): ChangeEvent[] {
    const [xid = '', end = ''] = textOf(value['id'], 'id').split(':');
    if (status === 'BEGIN') {
      // The same transaction again goes on where it was; another one means that what was half sent comes again.
      if (this.#open?.xid !== xid) {
        this.#moved = undefined;
        this.#open = { xid, beganMs: textOf(value['ts_ms'], 'ts_ms'), order: 0, told: false };
      }
      return [];
    }
    if (status !== 'END') throw new MalformedMessage(`a transaction's status ${JSON.stringify(status)}`);
    const open = this.#open;
    if (open?.xid !== xid) throw new MalformedMessage(`the end of transaction ${xid} without its begin`);
    const count = Number(textOf(value['event_count'], 'event_count'));
    if (count !== open.order || this.#moved)
      throw new MalformedMessage(`transaction ${xid} has ${count} changes, of which ${open.order} arrived`);
    this.#open = undefined;
    const begin = open.told ? [] : [beginOf(`${open.beganMs}000`, null)];
    return [...begin, { kind: 'commit', position: positionOf(end) }];
  }

  /** The open transaction, if the record is its next one; undefined for one that came before. */
  #member(source: JsonObject, transaction: JsonObject): OpenTransaction | undefined {
    const xid = textOf(source['txId'], 'txId');
    const open = this.#open;
    if (open?.xid !== xid) throw new MalformedMessage(`a change of transaction ${xid} outside of it`);
    const order = Number(textOf(transaction['total_order'], 'total_order'));
    if (order <= open.order) return undefined;
    if (order !== open.order + 1)
      throw new MalformedMessage(`transaction ${xid} goes from change ${open.order} to ${order}`);
    open.order = order;
    return open;
  }

  #reached(value: JsonObject, source: JsonObject): PositionReached[] {
    const message = objectOf(value['message'], 'message');
    if (message['prefix'] !== heartbeatPrefix || this.#open) return [];
    return [{ kind: 'position', position: positionOf(textOf(source['lsn'], 'lsn')) }];
  }

  #change(
    operation: string,
    source: JsonObject,
    value: JsonObject,
    record: TopicRecord,
  ): ChangeEvent | undefined {
    const table = this.#table(source);
    const { relation } = table;
    if (this.#moved && operation !== 'c') throw new MalformedMessage('a changed key without its new row');
    switch (operation) {
      case 'c': {
        const row = cells(value['after'], table);
        const old = this.#moved;
        if ((old !== undefined) !== (record.oldKey !== undefined))
          throw new MalformedMessage('a changed key without its old row');
        this.#moved = undefined;
        return old ? { kind: 'update', relation, old, row } : { kind: 'insert', relation, row };
      }
      case 'u': {
        const before = value['before'] ?? null;
        const old = before === null ? null : cells(before, table);
        return { kind: 'update', relation, old, row: cells(value['after'], table) };
      }
      case 'd': {
        const old = cells(value['before'], table);
        if (record.newKey === undefined) return { kind: 'delete', relation, old };
        this.#moved = old;
        return undefined;
      }
      case 't':
        return { kind: 'truncate', relations: [relation] };
      default:
        // A snapshot's rows come only if somebody asked Debezium for one (trap 83).
        throw new MalformedMessage(`the operation ${JSON.stringify(operation)}`);
    }
  }

  #table(source: JsonObject): SourceTable {
    const name = { schema: textOf(source['schema'], 'schema'), name: textOf(source['table'], 'table') };
    const table = this.#tables.get(qualified(name));
    if (!table) throw new MalformedMessage(`the table ${qualified(name)}, which is not published`);
    return table;
  }
}

function cells(value: Json | undefined, { relation, types }: SourceTable): Cells {
  const row = objectOf(value, 'a row');
  for (const name in row) {
    if (!relation.columns.some((column) => column.name === name))
      throw new MalformedMessage(
        `${relation.name}.${name}, a column that was not there when the stream started`,
      );
  }
  return relation.columns.map((column, index) => {
    const type = types[index];
    if (!type) throw new RangeError('a column without its type');
    return row[column.name] === undefined ? null : cellOf(row[column.name], type);
  });
}

function messageOf(value: JsonObject): LogicalMessage {
  const message = objectOf(value['message'], 'message');
  const content = Buffer.from(textOf(message['content'], 'content'), 'hex');
  return { kind: 'message', prefix: textOf(message['prefix'], 'prefix'), content };
}

function beginOf(commitMicros: string, origin: Json): ChangeEvent {
  const seconds = new Date(Number(commitMicros.slice(0, -6)) * 1_000).toISOString().slice(0, 19);
  const commitTime = `${seconds.replace('T', ' ')}.${commitMicros.slice(-6)}+00`;
  return { kind: 'begin', commitTime, origin: typeof origin === 'string' ? origin : null };
}

function micros(text: string): string {
  if (!/^\d{7,17}$/.test(text)) throw new MalformedMessage(`commit time ${text}`);
  return text;
}

function positionOf(text: string): Lsn {
  if (!/^\d{1,20}$/.test(text)) throw new MalformedMessage(`position ${text}`);
  return lsn(BigInt(text));
}

function objectOf(value: Json | undefined, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new MalformedMessage(`${what} is no object`);
}

function textOf(value: Json | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new MalformedMessage(`${what} is missing`);
}
