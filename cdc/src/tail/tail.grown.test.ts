import { waitFor } from '@strangler/errors';
import type { Grown } from '@strangler/grown';
import { publicationName, slotName } from '@strangler/ledger';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { grownStack, java } from '../../test/grown-stack.ts';
import { makeSides } from '../../test/sides.ts';
import { ConnectClient, connectorConfig, topicOf } from '../connect/index.ts';
import { kafkaOf, withAdmin } from '../source/debezium/kafka.ts';
import { recordLine } from './record.ts';
import { tailChanges } from './tail.ts';

const scalars = {
  i8: 'bigint',
  f8: 'double precision',
  n: 'numeric(20,4)',
  m: 'money',
  t: 'text',
  vc: 'varchar(20)',
  ch: 'char(5)',
  b: 'bytea',
  u: 'uuid',
  d: 'date',
  tm: 'time',
  ttz: 'timetz',
  ts: 'timestamp',
  tz: 'timestamptz',
  iv: 'interval',
  j: 'json',
  jb: 'jsonb',
  x: 'xml',
  ip: 'inet',
  r: 'int4range',
  b1: 'bit(1)',
  b9: 'bit(9)',
  vb: 'varbit',
  p: 'point',
  bx: 'box',
  mood: 's.mood',
  ok: 'boolean',
  ta: 'text[]',
  ia: 'bigint[]',
  na: 'numeric[]',
  da: 'date[]',
  tza: 'timestamptz[]',
  lsn: 'pg_lsn',
};
type Values = Partial<Record<keyof typeof scalars, string>>;
const edges: Values[] = [
  {},
  {
    ...{ i8: '9007199254740993', f8: '1.5', n: '123.4500', m: '-1234.50', t: 'ü "x"', vc: 'a', ch: 'ab' },
    ...{ b: '\\x00ff', u: 'c0ffee00-0000-4000-8000-000000000001', d: '2024-02-29', tm: '23:59:59.999999' },
    ...{ ttz: '23:59:59.5+05:30', ts: '2024-01-31 10:00:00.5', tz: '2024-01-31 10:00:00+02' },
    ...{ iv: '1 year 2 mons -3 days 4:05:06.789012', j: '{"a":1, "a":2}', jb: '{"a": [1]}', x: '<a/>' },
    ...{
      ip: '10.0.0.1/8',
      r: '[1,5)',
      b1: '1',
      b9: '100000001',
      vb: '001011',
      p: '(1,-2.5)',
      bx: '(1,1),(0,0)',
    },
    ...{ mood: 'sad', ok: 't', ta: '{a,NULL,"b,c"}', ia: '{9007199254740993,NULL}', na: '{1.50,2}' },
    ...{ da: '{2024-02-29}', tza: '{"2024-01-31 10:00:00.25+00"}', lsn: '1/ABCD' },
  },
  {
    ...{ i8: '-9223372036854775808', f8: 'NaN', n: 'NaN', d: 'infinity', ts: 'infinity', tz: 'infinity' },
    ...{ iv: '-1 mons', tm: '00:00', tz: '2024-01-31 10:00:00.123456+00', b1: '0', b9: '000000000' },
    ...{ ta: '{}', t: '' },
  },
  {
    ...{ f8: '-Infinity', d: '-infinity', ts: '-infinity', tz: '-infinity', iv: '00:00:00' },
  },
  { d: '0044-03-15 BC', ts: '0044-03-15 01:02:03 BC', tz: '10000-01-01 00:00:00+00', iv: '-00:00:01.5' },
];

const types = Object.entries(scalars);
const columns = types.map(([name, type]) => `${name} ${type}`).join(', ');
const tables = `CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('sad', 'ok');
  CREATE TABLE s.t (id bigint PRIMARY KEY, v text); CREATE TABLE s.full (id int PRIMARY KEY, v text);
  ALTER TABLE s.full REPLICA IDENTITY FULL; CREATE TABLE s.typed (id int PRIMARY KEY, ${columns})`;

const history = [
  "INSERT INTO s.t VALUES (1, 'first')",
  `BEGIN; INSERT INTO s.t VALUES (10, 'a'); UPDATE s.t SET v = 'b' WHERE id = 10; UPDATE s.t SET id = 11 WHERE id = 10;
   SELECT pg_logical_emit_message(true, 'p', 'x'); DELETE FROM s.t WHERE id = 11; COMMIT`,
  `BEGIN; INSERT INTO s.full VALUES (1, 'a'); UPDATE s.full SET v = 'b'; UPDATE s.full SET id = 2; DELETE FROM s.full; COMMIT`,
  "SELECT pg_logical_emit_message(false, 'now', 'y')",
  'TRUNCATE s.t',
  ...edges.map((row, id) => {
    const names = Object.keys(row);
    return `INSERT INTO s.typed (${['id', ...names].join(', ')}) VALUES (${[id, ...Object.values(row).map((value) => `'${value.replaceAll("'", "''")}'`)].join(', ')})`;
  }),
];

interface Line {
  key: unknown;
  headers: unknown;
  value: unknown;
}

/** What two readers of one log may see differently: clocks, what Java prints of an object, and the order of its map. */
function comparable(text: string): Line {
  const exact = text.replaceAll(/([:[,])(-?\d{16,})(?=[,\]}])/g, '$1"$2"');
  return JSON.parse(exact, (name, value) => {
    if (/^ts_(ms|us|ns)$/.test(name) || name === 'name' || name === 'topic') return undefined;
    if (name === 'data_collections' && Array.isArray(value))
      return value.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    return typeof value === 'string' && value.includes('LogicalDecodingMessageId') ? 'message' : value;
  });
}

let grown: Grown | undefined;
beforeAll(async () => {
  grown = java ? await grownStack() : undefined;
});

test.skipIf(!java)(
  'tail prints, record by record, what the real Debezium writes for the same changes',
  async () => {
    const sides = await makeSides({
      monolith: tables,
      service: tables,
      tables: { 's.t': { to: 's.t' }, 's.full': { to: 's.full' }, 's.typed': { to: 's.typed' } },
    });
    await sides.prepare();
    const { config, extraction } = sides;
    const name = slotName(config.environment, 'x', 'forward');
    const signal = AbortSignal.timeout(400_000);
    if (!grown) throw new Error('no Kafka');
    const kafka = grown;
    await sides.monolith.query(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);
    onTestFinished(async () => {
      await kafka.stop();
      await sides.monolith.query(`SELECT pg_drop_replication_slot('${name}')`);
    });
    const publication = publicationName(config.environment, 'x');
    await new ConnectClient(kafka.connectUrl, signal).put(name, {
      ...connectorConfig({ name, slot: name, publication, url: sides.monolith.url() }),
      'unavailable.value.placeholder': '~U~',
    });
    await waitFor(
      async () => {
        const [row] = await sides.monolith.query(
          `SELECT active FROM pg_replication_slots WHERE slot_name = '${name}'`,
        );
        return row?.['active'] === true || row?.['active'] === 't' ? true : undefined;
      },
      { timeoutMs: 60_000, what: 'Debezium to stream' },
    );

    const ready = Promise.withResolvers<void>();
    const stop = new AbortController();
    const ours: Line[] = [];
    const tail = tailChanges({
      ...{ config, extraction, direction: 'forward', from: 'now', placeholder: '~U~' },
      onReady: ready.resolve,
      onRecord: (record) => ours.push(comparable(recordLine(record))),
      signal: stop.signal,
    });
    await Promise.race([ready.promise, tail]);
    for (const sql of history) await sides.monolith.query(sql);
    await sides.monolith.query("SELECT pg_logical_emit_message(false, 'end', '')");
    const theirs = await topicUntilEnd(kafka.brokers, topicOf(name));
    await waitFor(async () => (ours.length >= theirs.length ? true : undefined), {
      timeoutMs: 20_000,
      what: 'the tail',
    });
    stop.abort();
    await tail;
    // Before its first commit each has its own idea of the one before.
    expect(ours.slice(4, theirs.length)).toEqual(theirs.slice(4));
    expect(theirs.length).toBeGreaterThan(30);
  },
);

/** Every record up to the message `end`, without it. */
async function topicUntilEnd(brokers: readonly string[], topic: string): Promise<Line[]> {
  await withAdmin({ brokers }, topic, (admin) =>
    waitFor(async () => ((await admin.listTopics()).includes(topic) ? true : undefined), {
      timeoutMs: 60_000,
      what: 'the topic',
    }),
  );
  const consumer = kafkaOf(brokers).consumer({ groupId: topic });
  const lines: Line[] = [];
  const ended = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const key = message.key?.toString() ?? 'null';
      if (key === '{"prefix":"end"}') ended.resolve();
      const headers = Object.entries(message.headers ?? {}).map(
        ([name, value]) => `${JSON.stringify(name)}:${String(value)}`,
      );
      lines.push(
        comparable(
          `{"key":${key},"headers":{${headers.join(',')}},"value":${message.value?.toString() ?? 'null'}}`,
        ),
      );
    },
  });
  await Promise.race([
    ended.promise,
    new Promise((_, reject) =>
      AbortSignal.timeout(60_000).addEventListener('abort', () => reject(new Error('no end in the topic'))),
    ),
  ]);
  await consumer.disconnect();
  const end = z.object({ key: z.object({ prefix: z.literal('end') }) });
  return lines.filter((line) => !end.safeParse(line).success);
}
