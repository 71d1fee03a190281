import { setTimeout as timer } from 'node:timers/promises';
import { StranglerError } from './strangler-error.ts';

/** A signal that aborts when `signal` does, or after `ms` milliseconds. */
export function deadline(ms: number, signal?: AbortSignal): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

/** Waits `ms` milliseconds; rejects with the signal's reason when aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await timer(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    // The timer rejects with an AbortError of its own and hides the reason.
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * Asks again and again until `probe` answers something other than `undefined`.
 * @throws StranglerError DEADLINE, or what `late` makes, when `timeoutMs` is over.
 */
export async function waitFor<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  options: { timeoutMs: number; everyMs?: number; what: string; signal?: AbortSignal; late?: () => Error },
): Promise<T> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() >= end) {
      throw (
        options.late?.() ??
        new StranglerError(
          'DEADLINE',
          `${options.what} did not happen within ${options.timeoutMs} ms.`,
          'See the logs of the parts.',
        )
      );
    }
    await pause(options.everyMs ?? 20, options.signal);
  }
}
