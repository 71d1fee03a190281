import { randomBytes } from 'node:crypto';
import { ConnectClient, connectorConfig, copyTables, dropGrown, topicOf } from '@strangler/cdc';
import type { ConfigInput } from '@strangler/config';
import { waitFor } from '@strangler/errors';
import type { Grown } from '@strangler/grown';
import { connectorName, fenceTrigger, publicationName, slotName } from '@strangler/ledger';
import { literal } from '@strangler/postgres';
import { configInput, parsedInput, prepare, type Sides } from '../sides.ts';
import { columnsSql, contentsSql, type History, historySql } from './history.ts';

const extraction = 'events';
const theirSlot = 'bench_jdbc';
const tables = {
  monolith: `CREATE TABLE bench.event ${columnsSql}`,
  service: `CREATE TABLE bench.event ${columnsSql}`,
};

/** One history in two topics, each in the form that its reader needs, both full before anybody reads. */
export interface Topics {
  /** The config of our stream, for another process. */
  readonly input: ConfigInput;
  readonly ours: string;
  readonly theirs: string;
  /** What every reader must end with. */
  readonly contents: string;
  /** Empties our target and puts its checkpoint back to before the first record. */
  rewind(): Promise<void>;
  /** Takes connectors and topics away. */
  remove(): Promise<void>;
}

/** Writes a history into a new source table and waits until Debezium has brought all of it to Kafka, twice. */
export async function fillTopics(options: {
  sides: Sides;
  grown: Grown;
  history: History;
  rows: number;
  signal: AbortSignal;
}): Promise<Topics> {
  const { sides, grown, history, rows, signal } = options;
  const input: ConfigInput = {
    ...configInput(sides, extraction, {
      tables: { 'bench.event': { to: 'bench.event' } },
      engine: 'debezium',
    }),
    grown: { kafka: [...grown.brokers], connect: grown.connectUrl },
  };
  const { config } = parsedInput(input);
  await prepare(sides, input, tables);
  await copyTables({ ...parsedInput(input), signal });
  await sides.query('monolith', `SELECT pg_create_logical_replication_slot('${theirSlot}', 'pgoutput')`);
  const attempt = randomBytes(4).toString('hex');
  const slot = slotName(config.environment, extraction, 'forward');
  const rewind = await rewinding(sides, attempt);
  const connect = new ConnectClient(grown.connectUrl, signal);
  const shared = {
    publication: publicationName(config.environment, extraction),
    url: sides.url('monolith'),
  };
  const ours = { ...shared, slot, name: connectorName(slot, attempt) };
  const theirs = { ...shared, slot: theirSlot, name: connectorName(theirSlot, attempt) };
  await connect.put(ours.name, connectorConfig(ours));
  await connect.put(theirs.name, { ...connectorConfig(theirs), ...formOfTheirs });
  await bothRead(sides, [slot, theirSlot], signal);
  await sides.query('monolith', historySql(history, rows));
  await bothConfirmed(sides, [slot, theirSlot], signal);
  await connect.remove(theirs.name);
  const [row] = await sides.query('monolith', contentsSql('bench.event'));
  return {
    input,
    ours: topicOf(ours.name),
    theirs: topicOf(theirs.name),
    contents: String(row?.['contents']),
    rewind,
    remove: async () => {
      // The signal may have aborted, and this is what leaves nothing behind.
      const patience = AbortSignal.timeout(60_000);
      await dropGrown(config, { slot, attempt }, patience);
      await dropGrown(config, { slot: theirSlot, attempt }, patience);
    },
  };
}

/** What the JDBC sink needs of a record: its schema, bytes as such, and no records about transactions. */
const formOfTheirs = {
  'provide.transaction.metadata': 'false',
  'binary.handling.mode': 'bytes',
  'key.converter.schemas.enable': 'true',
  'value.converter.schemas.enable': 'true',
  // Read faster than gzip in Java; kafkajs, which cannot, does not read it.
  'producer.override.compression.type': 'lz4',
};

/** Brings our target and its checkpoint back to how the copy left them, whenever it is called. */
async function rewinding(sides: Sides, attempt: string): Promise<() => Promise<void>> {
  const [row] = await sides.query('service', 'SELECT applied FROM strangler.checkpoint');
  const applied = literal(String(row?.['applied']));
  const rewind = async () => {
    await sides.query(
      'service',
      `ALTER TABLE bench.event DISABLE TRIGGER ${fenceTrigger};
       TRUNCATE bench.event;
       ALTER TABLE bench.event ENABLE ALWAYS TRIGGER ${fenceTrigger};
       UPDATE strangler.checkpoint SET applied = ${applied}, engine = 'debezium', attempt = ${literal(attempt)},
         bookmark = NULL, commit_time = NULL, stopped = NULL`,
    );
  };
  await rewind();
  return rewind;
}

async function bothRead(sides: Sides, slots: readonly string[], signal: AbortSignal): Promise<void> {
  await waitFor(
    async () => {
      const active = await sides.query('monolith', 'SELECT slot_name FROM pg_replication_slots WHERE active');
      return slots.every((slot) => active.some((each) => each['slot_name'] === slot)) ? true : undefined;
    },
    { timeoutMs: 120_000, everyMs: 200, what: 'Debezium to read both slots', signal },
  );
}

/** A slot is confirmed up to what is durable in Kafka; a message behind the history moves it beyond its end. */
async function bothConfirmed(sides: Sides, slots: readonly string[], signal: AbortSignal): Promise<void> {
  const [row] = await sides.query('monolith', 'SELECT pg_current_wal_insert_lsn()::text AS here');
  const here = literal(String(row?.['here']));
  await waitFor(
    async () => {
      await sides.query('monolith', `SELECT pg_logical_emit_message(false, 'bench', '')`);
      const done = await sides.query(
        'monolith',
        `SELECT slot_name FROM pg_replication_slots WHERE confirmed_flush_lsn >= ${here}`,
      );
      return slots.every((slot) => done.some((each) => each['slot_name'] === slot)) ? true : undefined;
    },
    { timeoutMs: 900_000, everyMs: 500, what: 'Debezium to bring the history to Kafka', signal },
  );
}
