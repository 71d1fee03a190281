import { Worker } from 'node:worker_threads';
import { messageOf, pause } from '@strangler/errors';
import {
  type ConsumerRequest,
  type ConsumerTask,
  consumerReport,
  piecesAtOnce,
} from './consumer-messages.ts';
import type { PackedPiece } from './piece.ts';

export interface ConsumerOptions extends ConsumerTask {
  /** Takes one piece after the other, in order; some of the next ones are fetched meanwhile. */
  readonly take: (piece: PackedPiece) => Promise<void>;
}

/** kafkajs in a thread of its own, so that a topic is unpacked while its records are applied. */
export interface TopicConsumer {
  /** Reads from the record of this offset on; settles when it does. */
  read(from: bigint): Promise<void>;
  /** Rejects with ConsumerFailed, or with what `take` throws; nothing is taken any more. */
  readonly ended: Promise<never>;
  close(): Promise<void>;
}

/** What kafkajs or its thread fails of; `packing`: it does not know how the records are packed. */
export class ConsumerFailed extends Error {
  readonly packing: boolean;

  constructor(why: string, packing = false) {
    super(why);
    this.name = 'ConsumerFailed';
    this.packing = packing;
  }
}

/** Young garbage that is collected at once (MiB): a fetch and what is made of it live shortly, and together. */
const youngMb = 64;
/** How long a consumer may need to leave its group. */
const closeMs = 5_000;

/** Starts the thread, which connects meanwhile. What it fails of is told by `ended`. */
export function openConsumer({ take, ...task }: ConsumerOptions): TopicConsumer {
  const reading = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch((error: unknown) => reading.reject(error));
  reading.promise.catch(() => {});
  const thread = new Worker(new URL('./consumer-thread.ts', import.meta.url), {
    name: `consumer of ${task.topic}`,
    workerData: task,
    // None of the process's own: what is preloaded into it is not meant for threads. kafkajs sets timers that are over.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    resourceLimits: { maxYoungGenerationSizeMb: youngMb },
  });
  const ask = (request: ConsumerRequest) => thread.postMessage(request);
  let over = false;
  const fail = (error: unknown) => {
    over = true;
    ended.reject(error);
  };
  let count = 0;
  let taken = Promise.resolve();
  const takeNext = async (piece: PackedPiece) => {
    if (over) return;
    try {
      await take(piece);
    } catch (error) {
      fail(error);
    }
    count += 1;
    if (count % piecesAtOnce === 0) ask({ kind: 'taken' });
  };
  thread.on('message', (message: unknown) => {
    const report = consumerReport.parse(message);
    switch (report.kind) {
      case 'reading':
        return reading.resolve();
      case 'piece':
        taken = taken.then(async () => await takeNext(report.piece));
        return;
      case 'failed':
        return fail(new ConsumerFailed(report.why, report.packing));
      default:
        return report satisfies never;
    }
  });
  thread.on('error', (error) => fail(new ConsumerFailed(messageOf(error))));
  const gone = new Promise<void>((resolve) => {
    thread.on('exit', () => resolve());
  });
  gone.then(() => fail(new ConsumerFailed('its thread ended')));
  return {
    read: async (from) => {
      ask({ kind: 'read', from });
      await reading.promise;
    },
    ended: ended.promise,
    close: async () => {
      over = true;
      ask({ kind: 'close' });
      const left = new AbortController();
      await Promise.race([gone, pause(closeMs, left.signal).catch(() => {})]);
      // Its timer would keep the process.
      left.abort();
      await thread.terminate();
      await taken;
    },
  };
}
