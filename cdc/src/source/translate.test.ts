import { lsn } from '@strangler/postgres';
import { describe, expect, test } from 'vitest';
import { MalformedMessage } from './cursor.ts';
import type { PgoutputMessage } from './pgoutput.ts';
import { PgoutputTranslator } from './translate.ts';

const begin: PgoutputMessage = { tag: 'begin', commitTimeMicros: 1_123_456n, xid: 1 };
const commit: PgoutputMessage = { tag: 'commit', end: lsn(10n) };
const relation: PgoutputMessage = {
  tag: 'relation',
  oid: 5,
  schema: 's',
  name: 't',
  columns: [{ name: 'id', key: true, typeOid: 20 }],
};
const insert: PgoutputMessage = { tag: 'insert', oid: 5, row: ['1'] };

function events(...messages: PgoutputMessage[]) {
  const translator = new PgoutputTranslator();
  return messages.flatMap((message) => translator.translate(message));
}

describe('translating pgoutput', () => {
  test('joins the begin with its origin, and keeps the microseconds', () => {
    const all = events(begin, { tag: 'origin', name: 'o' }, relation, insert, commit);
    expect(all[0]).toEqual({ kind: 'begin', commitTime: '2000-01-01 00:00:01.123456+00', origin: 'o' });
    expect(all.slice(1)).toEqual([
      { kind: 'insert', relation: { schema: 's', name: 't', columns: relation.columns }, row: ['1'] },
      { kind: 'commit', position: 10n },
    ]);
  });

  test('every commit has its own time, also within one second', () => {
    const at = (micros: bigint) => ({ ...begin, commitTimeMicros: micros });
    const times = [1_999_999n, 1_000_001n, 2_000_000n, -1n, 1_000_000n].map(at);
    const all = events(...times.flatMap((each) => [each, commit]));
    expect(all.flatMap((event) => (event.kind === 'begin' ? event.commitTime : []))).toEqual([
      '2000-01-01 00:00:01.999999+00',
      '2000-01-01 00:00:01.000001+00',
      '2000-01-01 00:00:02.000000+00',
      '1999-12-31 23:59:59.999999+00',
      '2000-01-01 00:00:01.000000+00',
    ]);
  });

  test('an empty transaction still begins and commits', () => {
    expect(events(begin, commit).map((event) => event.kind)).toEqual(['begin', 'commit']);
  });

  test('refuses what does not follow', () => {
    const refused: PgoutputMessage[][] = [
      [insert],
      [commit],
      [begin, begin],
      [begin, insert],
      [begin, relation, { tag: 'insert', oid: 5, row: ['1', '2'] }],
      [begin, { tag: 'truncate', oids: [5] }],
      [{ ...begin, commitTimeMicros: 2n ** 62n }, commit],
    ];
    for (const messages of refused) expect(() => events(...messages)).toThrow(MalformedMessage);
  });
});
