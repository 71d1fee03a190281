/** Runs in a thread of its own: fetches a topic with kafkajs and sends its records in pieces (`consumer.ts`). */
import { randomUUID } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@strangler/errors';
import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import { type ConsumerReport, consumerRequest, consumerTask, piecesAtOnce } from './consumer-messages.ts';
import { kafkaOf, patient } from './kafka.ts';
import { packPiece } from './piece.ts';

/** Bytes of records that are sent at once: little enough that memory for them is used again and again, not asked of the system. */
const pieceBytes = 64 << 10;
/** Pieces that are sent and not yet taken: more than a fetch brings, so that the other thread has work while the next one comes. */
const piecesAhead = 200;
const fetchBytes = 1 << 19;
/** kafkajs sends one as often as is due, if it is asked to. */
const heartbeatMs = 1_000;
/** A consumer that has stopped says within so long that it has crashed, if it has. */
const crashMs = 1_000;

if (!parentPort) throw new Error('consumer-thread.ts is a thread of consumer.ts');
const port = parentPort;
const { brokers, topic } = consumerTask.parse(workerData);
const start = Promise.withResolvers<bigint>();
let ahead = 0;
let wake = Promise.withResolvers<void>();

// A group of our own for each session: nobody to rebalance with, and the lease keeps a second sink out (trap 72).
const consumer = kafkaOf(brokers).consumer({
  groupId: `${topic}.${randomUUID()}`,
  maxWaitTimeInMs: 50,
  minBytes: 1,
  maxBytesPerPartition: fetchBytes,
  allowAutoTopicCreation: false,
  retry: patient,
});

consumer.on('consumer.crash', ({ payload: { error } }) =>
  fail(error.cause instanceof Error ? error.cause : error),
);
consumer.on('consumer.stop', () => {
  // That of a crash comes before it, and does not say why.
  setTimeout(() => fail(new Error('the consumer stopped')), crashMs).unref();
});
port.on('message', (message: unknown) => {
  const request = consumerRequest.parse(message);
  switch (request.kind) {
    case 'read':
      start.resolve(request.from);
      return;
    case 'taken':
      ahead -= piecesAtOnce;
      wake.resolve();
      return;
    case 'close':
      ahead = 0;
      wake.resolve();
      port.close();
      consumer
        .disconnect()
        .catch(() => {})
        .finally(() => process.exit());
      return;
    default:
      return request satisfies never;
  }
});

try {
  await consumer.connect();
  const offset = (await start.promise).toString();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: sendBatch });
  consumer.seek({ topic, partition: 0, offset });
  send({ kind: 'reading' });
} catch (error) {
  fail(error);
}

async function sendBatch(payload: EachBatchPayload): Promise<void> {
  const { batch, resolveOffset, isRunning, isStale } = payload;
  for (const records of piecesOf(batch.messages)) {
    while (ahead >= piecesAhead && isRunning()) await roomOr(payload.heartbeat);
    if (!isRunning() || isStale()) return;
    send({ kind: 'piece', piece: packPiece(records) });
    ahead += 1;
    resolveOffset(records.at(-1)?.offset ?? batch.lastOffset());
  }
}

/** Waits until a piece was taken; however long that is, the group must not take us for dead. */
async function roomOr(heartbeat: () => Promise<void>): Promise<void> {
  wake = Promise.withResolvers();
  const timer = setTimeout(() => wake.resolve(), heartbeatMs);
  await wake.promise;
  clearTimeout(timer);
  await heartbeat();
}

function* piecesOf(messages: readonly KafkaMessage[]): Generator<readonly KafkaMessage[]> {
  let first = 0;
  let bytes = 0;
  for (const [at, { value }] of messages.entries()) {
    bytes += value?.length ?? 0;
    if (bytes < pieceBytes) continue;
    yield messages.slice(first, at + 1);
    first = at + 1;
    bytes = 0;
  }
  if (first < messages.length) yield messages.slice(first);
}

function send(report: ConsumerReport): void {
  const memory = report.kind === 'piece' ? [report.piece.index.buffer, report.piece.bytes.buffer] : [];
  port.postMessage(report, memory);
}

function fail(error: unknown): void {
  const packing = error instanceof Error && error.name === 'KafkaJSNotImplemented';
  send({ kind: 'failed', why: messageOf(error), packing });
}
