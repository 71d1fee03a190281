import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Message, type Place, packPiece, recordsOf } from './piece.ts';

const texts = fc.option(
  fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', 'ü€𝄞', '{"a":1}')),
);
const records = fc.record({ gap: fc.nat(5), value: texts, key: texts, oldKey: texts, newKey: fc.boolean() });

function textOf(place: Place | null): string | null {
  return place?.text.bytes.toString('utf8', place.start, place.end) ?? null;
}

describe('a piece of a topic', () => {
  test('gives back its records, whatever is in them, also from another thread', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 60n }),
        fc.array(records, { minLength: 1 }),
        (first, all) => {
          let offset = first;
          const expected = all.map(({ gap, newKey, ...rest }) => {
            offset += BigInt(gap) + 1n;
            return { ...rest, offset, rekeyed: newKey };
          });
          const messages = expected.map(
            (each): Message => ({
              offset: each.offset.toString(),
              key: bytesOf(each.key),
              value: bytesOf(each.value),
              headers: {
                other: Buffer.from('x'),
                ...(each.oldKey === null ? {} : { '__debezium.oldkey': Buffer.from(each.oldKey) }),
                ...(each.rekeyed ? { '__debezium.newkey': Buffer.from('y') } : {}),
              },
            }),
          );
          const packed = packPiece(messages);
          const sent = structuredClone(packed, { transfer: [packed.index.buffer, packed.bytes.buffer] });
          const found = [...recordsOf(sent)].map((each) => ({
            value: textOf(each.value()),
            key: textOf(each.key()),
            oldKey: textOf(each.oldKey()),
            offset: each.offset,
            rekeyed: each.rekeyed,
          }));
          // What is no text in UTF-8 cannot come back; records have none of it.
          const wellFormed = expected.map((each) => ({
            ...each,
            value: each.value?.toWellFormed() ?? null,
            key: each.key?.toWellFormed() ?? null,
            oldKey: each.oldKey?.toWellFormed() ?? null,
          }));
          expect(found).toEqual(wellFormed);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('has a record at least', () => {
    expect(() => packPiece([])).toThrow(RangeError);
  });
});

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text);
}
