import { pause } from '@strangler/errors';

/** Something to start now, and how many requests it makes. */
export interface Job {
  cost: number;
  run: () => Promise<void>;
}

/**
 * Starts jobs at a steady rate of requests, whether or not earlier ones are done: shoppers don't wait for each other.
 * A pause of this process is not made up for by a burst of more than a quarter of a second.
 * @returns when aborted and everything that was started has ended
 */
export async function pace(
  next: () => Job | undefined,
  ratePerSecond: () => number,
  signal: AbortSignal,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let due = performance.now();
  while (!signal.aborted) {
    const now = performance.now();
    due = Math.max(due, now - 250);
    while (due <= now) {
      const job = next();
      due += (1_000 / ratePerSecond()) * (job?.cost ?? 1);
      if (job === undefined) continue;
      const run = job.run().finally(() => running.delete(run));
      running.add(run);
    }
    await pause(Math.max(1, due - performance.now()), signal).catch(() => {});
  }
  await Promise.all(running);
}
