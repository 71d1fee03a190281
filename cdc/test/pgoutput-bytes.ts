import { type Cell, unchanged } from '../src/source/change.ts';
import type { PgoutputMessage } from '../src/source/pgoutput.ts';

/** What PostgreSQL would send: the decoder's inverse, written from the manual. */
export function encodePgoutput(message: PgoutputMessage): Buffer {
  switch (message.tag) {
    case 'begin':
      return Buffer.concat([text('B'), int64(0n), int64(message.commitTimeMicros), int32(message.xid)]);
    case 'commit':
      return Buffer.concat([text('C'), Buffer.from([0]), int64(0n), int64(message.end), int64(0n)]);
    case 'origin':
      return Buffer.concat([text('O'), int64(0n), zero(message.name)]);
    case 'relation':
      return Buffer.concat([
        text('R'),
        int32(message.oid),
        zero(message.schema),
        zero(message.name),
        text('d'),
        int16(message.columns.length),
        ...message.columns.flatMap((column) => [
          Buffer.from([column.key ? 1 : 0]),
          zero(column.name),
          int32(column.typeOid),
          int32(0xffffffff),
        ]),
      ]);
    case 'type':
      return Buffer.concat([text('Y'), int32(1), zero('s'), zero('t')]);
    case 'insert':
      return Buffer.concat([text('I'), int32(message.oid), text('N'), cells(message.row)]);
    case 'update':
      return Buffer.concat([
        text('U'),
        int32(message.oid),
        ...(message.old ? [text('K'), cells(message.old)] : []),
        text('N'),
        cells(message.row),
      ]);
    case 'delete':
      return Buffer.concat([text('D'), int32(message.oid), text('K'), cells(message.old)]);
    case 'truncate':
      return Buffer.concat([
        text('T'),
        int32(message.oids.length),
        Buffer.from([0]),
        ...message.oids.map(int32),
      ]);
    case 'message':
      return Buffer.concat([
        text('M'),
        Buffer.from([message.transactional ? 1 : 0]),
        int64(0n),
        zero(message.prefix),
        int32(message.content.length),
        message.content,
      ]);
  }
}

function cells(row: readonly Cell[]): Buffer {
  return Buffer.concat([
    int16(row.length),
    ...row.flatMap((cell) => {
      if (cell === null) return [text('n')];
      if (cell === unchanged) return [text('u')];
      const bytes = Buffer.from(cell);
      return [text('t'), int32(bytes.length), bytes];
    }),
  ]);
}

const text = (value: string) => Buffer.from(value);
const zero = (value: string) => Buffer.from(`${value}\0`);

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt.asIntN(64, value));
  return bytes;
}
