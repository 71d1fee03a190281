import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cell } from '../source/index.ts';
import { arrayText } from './changes.ts';
import type { RowChange } from './table.ts';

/** What PostgreSQL reads of an array's text, said simply. */
function read(text: string): (string | null)[] {
  const found: (string | null)[] = [];
  for (const [, quoted, plain] of text.slice(1, -1).matchAll(/(?:^|,)(?:"((?:[^"\\]|\\.)*)"|([^",]+))/gs))
    found.push(
      plain === undefined ? (quoted ?? '').replaceAll(/\\(.)/gs, '$1') : plain === 'NULL' ? null : plain,
    );
  return found;
}

const cells = fc.oneof(
  fc.constant(null),
  fc.constantFrom('NULL', 'null', '', ' ', '{}', ',', '"', '\\', '\\"', 'a\nb'),
  fc.string({ unit: fc.constantFrom('"', '\\', ',', '{', '}', 'a', '\n', 'é') }),
);

test('an array of any texts is read as it was', () => {
  fc.assert(
    fc.property(fc.array(cells), (values) => {
      const changes = values.map((cell): RowChange => ({ kind: 'insert', table, key: '', values: [cell] }));
      const first = (change: RowChange): Cell =>
        change.kind === 'delete' ? null : (change.values[0] ?? null);
      expect(read(arrayText(changes, first))).toEqual(values);
    }),
    { numRuns: 1_000 },
  );
});

const name = { schema: 's', name: 't' };
const table = {
  plan: { source: name, target: name, columns: [], sequences: [] },
  relation: { ...name, columns: [] },
  places: [],
  asSent: true,
  keys: [],
};
