import { slotName } from '@strangler/ledger';
import { describe, expect, test } from 'vitest';
import { makeSides } from '../../test/sides.ts';
import { recordLine, type TailRecord } from './record.ts';
import { tailChanges } from './tail.ts';

const table = 'CREATE SCHEMA s; CREATE TABLE s.t (id bigint PRIMARY KEY, v text)';
const sides = await makeSides({ monolith: table, service: table, tables: { 's.t': { to: 's.t' } } });
await sides.prepare();

/** The records of a statement, as a reader of the lines sees them. */
async function recordsOf(sql: string, limit: number) {
  const ready = Promise.withResolvers<void>();
  const records: TailRecord[] = [];
  const { config, extraction } = sides;
  const tail = tailChanges({
    ...{ config, extraction, direction: 'forward', from: 'now', limit, placeholder: '~U~' },
    onReady: ready.resolve,
    onRecord: (record) => records.push(record),
    signal: AbortSignal.timeout(20_000),
  });
  await Promise.race([ready.promise, tail]);
  await sides.monolith.query(sql);
  await tail;
  return records.map((record) => JSON.parse(recordLine(record)));
}

describe('tail', () => {
  test("prints a transaction as Debezium does, with its boundaries, and leaves the extraction's slot alone", async () => {
    const all = await recordsOf(
      `BEGIN; INSERT INTO s.t VALUES (10, 'a'); UPDATE s.t SET v = 'b' WHERE id = 10; UPDATE s.t SET id = 11;
       SELECT pg_logical_emit_message(true, 'p', 'x'); DELETE FROM s.t; TRUNCATE s.t; COMMIT`,
      9,
    );
    const prefix = slotName(sides.config.environment, 'x', 'forward');
    expect(all.map(({ value }) => value.op ?? value.status)).toEqual([
      ...['BEGIN', 'c', 'u', 'd', 'c', 'm', 'd', 't', 'END'],
    ]);
    expect(all[1]).toMatchObject({
      topic: `${prefix}.s.t`,
      key: { id: 10 },
      headers: {},
      value: {
        before: null,
        after: { id: 10, v: 'a' },
        source: { connector: 'postgresql', name: prefix, schema: 's', table: 't', origin: null },
        transaction: { total_order: 1, data_collection_order: 1 },
      },
    });
    expect(all[3]).toMatchObject({ key: { id: 10 }, headers: { '__debezium.newkey': { id: 11 } } });
    expect(all[3].value.before).toEqual({ id: 10, v: null });
    expect(all[4]).toMatchObject({ key: { id: 11 }, headers: { '__debezium.oldkey': { id: 10 } } });
    expect(all[5].value.message).toEqual({ prefix: 'p', content: '78' });
    expect(all[7]).toMatchObject({ key: null, value: { before: null, after: null } });
    expect(all[8].value).toMatchObject({
      event_count: 7,
      data_collections: [
        { data_collection: 's.t', event_count: 6 },
        { data_collection: 'message', event_count: 1 },
      ],
    });
    const xid = String(all[1].value.source.txId);
    expect(all.map(({ value }) => (value.transaction?.id ?? value.id).split(':')[0])).toEqual(
      Array(9).fill(xid),
    );
    const left = await sides.monolith.query(
      "SELECT FROM pg_replication_slots WHERE slot_name LIKE 'strangler_tail%' AND database = current_database()",
    );
    expect(left).toHaveLength(0);
  });

  test('says that there is nothing to start from when the extraction has no slot', async () => {
    const { config, extraction } = sides;
    await expect(
      tailChanges({
        ...{ config, extraction, direction: 'forward', from: 'start' },
        onRecord: () => {},
        signal: AbortSignal.timeout(20_000),
      }),
    ).rejects.toMatchObject({ code: 'SLOT_LOST' });
  });
});
