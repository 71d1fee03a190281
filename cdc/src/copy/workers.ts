import { StranglerError } from '@strangler/errors';
import type pg from 'pg';
import { pipeTask } from './pipe.ts';
import type { TableCounts } from './table-counts.ts';
import type { CopyTask } from './task.ts';

/** A pair of connections: one reads under the snapshot, the other writes. */
export interface Worker {
  readonly source: pg.Client;
  readonly target: pg.Client;
}

/** Runs all tasks, each on whichever worker is free. The first failure, an abort or a standstill ends all of them. */
export async function runTasks(
  workers: readonly Worker[],
  tasks: readonly CopyTask[],
  options: { signal: AbortSignal; stallMs: number; counts: TableCounts },
): Promise<void> {
  const { counts, stallMs } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  for (const task of tasks) counts.planned(task.plan);
  const queue = [...tasks];
  const work = async ({ source, target }: Worker) => {
    for (let task = queue.shift(); task; task = queue.shift()) {
      signal.throwIfAborted();
      const { plan } = task;
      await pipeTask(task, source, target, {
        signal,
        onChunk: (bytes, rows) => counts.moved(plan, bytes, rows),
      });
      counts.finished(plan);
    }
  };
  let reason: unknown;
  const fail = (error: unknown) => {
    reason ??= error;
    failed.abort(error);
  };
  const stall = setInterval(
    () => {
      if (counts.idleMs > stallMs) fail(standstill(stallMs));
    },
    Math.min(stallMs, 1_000),
  );
  // A connection in the middle of a COPY can only be cut, not talked to.
  const cut = () => {
    for (const each of workers) for (const client of [each.source, each.target]) socketOf(client).destroy();
  };
  signal.addEventListener('abort', cut, { once: true });
  try {
    await Promise.all(workers.map(async (worker) => await work(worker).catch(fail)));
  } finally {
    clearInterval(stall);
    signal.removeEventListener('abort', cut);
  }
  options.signal.throwIfAborted();
  if (reason !== undefined) throw reason;
}

function standstill(stallMs: number): StranglerError {
  return new StranglerError(
    'COPY_FAILED',
    `No row was copied for ${stallMs} ms.`,
    'Look for a lock on the tables in both databases, then run `strangler sync` again.',
  );
}

/** pg keeps its socket where its types don't show it. */
function socketOf(client: pg.Client): { destroy(): void } {
  return (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
}
