import { type Lsn, lsn } from '@strangler/postgres';
import { type Cell, type RelationColumn, unchanged } from './change.ts';
import { Cursor, MalformedMessage } from './cursor.ts';

/** The messages of pgoutput, protocol 1 (manual, "Logical Replication Message Formats"). */
export type PgoutputMessage =
  | { readonly tag: 'begin'; readonly commitTimeMicros: bigint; readonly xid: number }
  | { readonly tag: 'commit'; readonly end: Lsn }
  | { readonly tag: 'origin'; readonly name: string }
  | {
      readonly tag: 'relation';
      readonly oid: number;
      readonly schema: string;
      readonly name: string;
      readonly columns: readonly RelationColumn[];
    }
  | { readonly tag: 'type' }
  | { readonly tag: 'insert'; readonly oid: number; readonly row: Cell[] }
  | { readonly tag: 'update'; readonly oid: number; readonly old: Cell[] | null; readonly row: Cell[] }
  | { readonly tag: 'delete'; readonly oid: number; readonly old: Cell[] }
  | { readonly tag: 'truncate'; readonly oids: readonly number[] }
  | {
      readonly tag: 'message';
      readonly transactional: boolean;
      readonly prefix: string;
      readonly content: Uint8Array;
    };

const letter = (char: string) => char.charCodeAt(0);
const [tagNew, tagOldKey, tagOldRow] = [letter('N'), letter('K'), letter('O')];
const [cellNull, cellUnchanged, cellText] = [letter('n'), letter('u'), letter('t')];

/** Decodes one message. @throws MalformedMessage for anything but exactly one message of protocol 1. */
export function decodePgoutput(bytes: Buffer): PgoutputMessage {
  const cursor = new Cursor(bytes);
  const message = decode(cursor);
  cursor.end();
  return message;
}

function decode(cursor: Cursor): PgoutputMessage {
  const tag = String.fromCharCode(cursor.byte());
  switch (tag) {
    case 'B':
      cursor.int64();
      return { tag: 'begin', commitTimeMicros: cursor.signedInt64(), xid: cursor.int32() };
    case 'C':
      return commit(cursor);
    case 'O':
      cursor.int64();
      return { tag: 'origin', name: cursor.string() };
    case 'R':
      return relation(cursor);
    case 'Y':
      cursor.int32();
      cursor.string();
      cursor.string();
      return { tag: 'type' };
    case 'I': {
      const oid = cursor.int32();
      expect(cursor, tagNew);
      return { tag: 'insert', oid, row: cells(cursor) };
    }
    case 'U':
      return update(cursor);
    case 'D': {
      const oid = cursor.int32();
      const kind = cursor.byte();
      if (kind !== tagOldKey && kind !== tagOldRow)
        throw new MalformedMessage('a delete without its old row');
      return { tag: 'delete', oid, old: cells(cursor) };
    }
    case 'T':
      return truncate(cursor);
    case 'M':
      return logicalMessage(cursor);
    default:
      throw new MalformedMessage(`unknown tag ${JSON.stringify(tag)}`);
  }
}

function commit(cursor: Cursor): PgoutputMessage {
  cursor.byte();
  cursor.int64();
  const end = lsn(cursor.int64());
  cursor.int64();
  return { tag: 'commit', end };
}

function relation(cursor: Cursor): PgoutputMessage {
  const oid = cursor.int32();
  // An empty namespace stands for pg_catalog.
  const schema = cursor.string() || 'pg_catalog';
  const name = cursor.string();
  cursor.byte();
  const count = cursor.int16();
  // At least flags, an empty name, type and modifier each: a lying count must not make us allocate.
  if (count * 10 > cursor.left) throw new MalformedMessage(`${count} columns in ${cursor.left} bytes`);
  const columns: RelationColumn[] = [];
  for (let index = 0; index < count; index += 1) {
    const key = (cursor.byte() & 1) === 1;
    const column = cursor.string();
    const typeOid = cursor.int32();
    cursor.int32();
    columns.push({ name: column, key, typeOid });
  }
  return { tag: 'relation', oid, schema, name, columns };
}

function update(cursor: Cursor): PgoutputMessage {
  const oid = cursor.int32();
  const kind = cursor.byte();
  if (kind === tagNew) return { tag: 'update', oid, old: null, row: cells(cursor) };
  if (kind !== tagOldKey && kind !== tagOldRow) throw new MalformedMessage('an update without a row');
  const old = cells(cursor);
  expect(cursor, tagNew);
  return { tag: 'update', oid, old, row: cells(cursor) };
}

function cells(cursor: Cursor): Cell[] {
  const count = cursor.int16();
  if (count > cursor.left) throw new MalformedMessage(`${count} values in ${cursor.left} bytes`);
  const row: Cell[] = [];
  for (let index = 0; index < count; index += 1) {
    const kind = cursor.byte();
    if (kind === cellText) row.push(cursor.text(cursor.int32()));
    else if (kind === cellNull) row.push(null);
    else if (kind === cellUnchanged) row.push(unchanged);
    else throw new MalformedMessage(`unknown kind of value ${kind}`);
  }
  return row;
}

function truncate(cursor: Cursor): PgoutputMessage {
  const count = cursor.int32();
  cursor.byte();
  if (count * 4 > cursor.left) throw new MalformedMessage(`${count} relations in ${cursor.left} bytes`);
  return { tag: 'truncate', oids: Array.from({ length: count }, () => cursor.int32()) };
}

function logicalMessage(cursor: Cursor): PgoutputMessage {
  const transactional = (cursor.byte() & 1) === 1;
  cursor.int64();
  const prefix = cursor.string();
  return { tag: 'message', transactional, prefix, content: cursor.bytes(cursor.int32()) };
}

function expect(cursor: Cursor, tag: number): void {
  if (cursor.byte() !== tag) throw new MalformedMessage('a row without its tag');
}
