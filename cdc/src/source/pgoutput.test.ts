import { lsn } from '@strangler/postgres';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodePgoutput } from '../../test/pgoutput-bytes.ts';
import { type Cell, unchanged } from './change.ts';
import { MalformedMessage } from './cursor.ts';
import { decodeFrame, encodeStatus } from './frame.ts';
import { decodePgoutput, type PgoutputMessage } from './pgoutput.ts';

const word = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));
const oid = fc.nat(0xffff_ffff);
const cell: fc.Arbitrary<Cell> = fc.oneof(word, fc.constant(null), fc.constant(unchanged));
const row = fc.array(cell, { maxLength: 20 });
const message: fc.Arbitrary<PgoutputMessage> = fc.oneof(
  fc.record({
    tag: fc.constant('begin' as const),
    commitTimeMicros: fc.bigInt(-(2n ** 62n), 2n ** 62n),
    xid: oid,
  }),
  fc.record({ tag: fc.constant('commit' as const), end: fc.bigInt(0n, 2n ** 64n - 1n).map(lsn) }),
  fc.record({ tag: fc.constant('origin' as const), name: word }),
  fc.record({
    tag: fc.constant('relation' as const),
    oid,
    schema: word.filter((text) => text !== ''),
    name: word,
    columns: fc.array(fc.record({ name: word, key: fc.boolean(), typeOid: oid }), { maxLength: 20 }),
  }),
  fc.constant({ tag: 'type' as const }),
  fc.record({ tag: fc.constant('insert' as const), oid, row }),
  fc.record({ tag: fc.constant('update' as const), oid, old: fc.option(row), row }),
  fc.record({ tag: fc.constant('delete' as const), oid, old: row }),
  fc.record({ tag: fc.constant('truncate' as const), oids: fc.array(oid, { maxLength: 9 }) }),
  fc.record({
    tag: fc.constant('message' as const),
    transactional: fc.boolean(),
    prefix: word,
    content: fc.uint8Array({ maxLength: 50 }),
  }),
);

/** Either a message, or the one error that says the bytes are not one. */
function decoded(bytes: Buffer): PgoutputMessage | 'malformed' {
  try {
    return decodePgoutput(bytes);
  } catch (error) {
    if (error instanceof MalformedMessage) return 'malformed';
    throw error;
  }
}

describe('decoding pgoutput', () => {
  test('gives back every message that can be sent', () => {
    fc.assert(
      fc.property(message, (each) => {
        expect(decodePgoutput(encodePgoutput(each))).toEqual(each);
      }),
    );
  });

  test('refuses a message that was cut, or has bytes too many', () => {
    fc.assert(
      fc.property(message, fc.nat(1_000), fc.uint8Array({ minLength: 1, maxLength: 9 }), (each, at, more) => {
        const bytes = encodePgoutput(each);
        expect(decoded(bytes.subarray(0, at % bytes.length))).toBe('malformed');
        expect(decoded(Buffer.concat([bytes, more]))).toBe('malformed');
      }),
    );
  });

  test('never fails otherwise on hostile bytes', () => {
    const tags = fc.constantFrom(...'BCORYIUDTM');
    fc.assert(
      fc.property(tags, fc.uint8Array({ maxLength: 200 }), (tag, rest) => {
        decoded(Buffer.concat([Buffer.from(tag), rest]));
      }),
    );
    fc.assert(
      fc.property(message, fc.nat(1_000), fc.nat(255), (each, at, byte) => {
        const bytes = encodePgoutput(each);
        bytes[at % bytes.length] = byte;
        decoded(bytes);
      }),
    );
  });

  test('a count that lies does not make it allocate', () => {
    expect(decoded(Buffer.from('T\xff\xff\xff\xff\0\0\0\0\0', 'latin1'))).toBe('malformed');
    expect(decoded(Buffer.from('I\0\0\0\x01N\xff\xff', 'latin1'))).toBe('malformed');
    expect(decoded(Buffer.from('I\0\0\0\x01N\0\x01t\xff\xff\xff\xff', 'latin1'))).toBe('malformed');
  });

  test('trap 23: text that is not UTF-8 is refused, a real replacement character is not', () => {
    const good = encodePgoutput({ tag: 'insert', oid: 1, row: ['\uFFFD ü'] });
    expect(decoded(good)).toMatchObject({ row: ['\uFFFD ü'] });
    const bad = encodePgoutput({ tag: 'insert', oid: 1, row: ['abc'] });
    bad[bad.length - 1] = 0xff;
    expect(decoded(bad)).toBe('malformed');
  });
});

describe('frames', () => {
  test('a status carries what was received apart from what is durable', () => {
    const bytes = encodeStatus({
      received: lsn(300n),
      durable: lsn(200n),
      nowMs: 946_684_800_001,
      replyNow: true,
    });
    expect([bytes.readBigUInt64BE(1), bytes.readBigUInt64BE(9), bytes.readBigUInt64BE(17)]).toEqual([
      300n,
      200n,
      200n,
    ]);
    expect([bytes.length, bytes.readBigInt64BE(25), bytes[33]]).toEqual([34, 1_000n, 1]);
  });

  test('hostile frames are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeFrame(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
        }
      }),
    );
  });
});
