import { messageOf, StranglerError } from '@strangler/errors';
import { finishRun, type Run, renewRun, startRun } from '@strangler/ledger';
import type { Sql } from '@strangler/postgres';

/** How long a run outlives a holder that died. */
const leaseMs = 5_000;

/** What the work of a run can say about itself. */
export interface HeldRun extends Run {
  /** Notes the step reached and renews the lease. @throws StranglerError RUN_HELD when the run was lost. */
  at(step: string): Promise<void>;
}

/**
 * Holds the run of an extraction while `work` goes on: renewed by a timer, finished with the work's outcome.
 * @throws StranglerError RUN_HELD when somebody else holds it.
 */
export async function holdRun<T>(
  home: Sql,
  request: { extraction: string; verb: string; actor: string; plan: readonly string[] },
  work: (run: HeldRun) => Promise<T>,
): Promise<T> {
  const { extraction, verb, actor, plan } = request;
  const run = await startRun(home, { extraction, verb, holder: actor, leaseMs, plan });
  let lost: unknown;
  const timer = setInterval(() => {
    renewRun(home, run, leaseMs).catch((error: unknown) => {
      lost = error;
    });
  }, leaseMs / 4);
  try {
    const result = await work({
      ...run,
      at: async (step) => {
        if (lost) throw lost;
        await renewRun(home, run, leaseMs, step);
      },
    });
    await finishRun(home, run, 'done');
    return result;
  } catch (error) {
    const refused = error instanceof StranglerError && error.exitCode === 2;
    await finishRun(home, run, refused ? 'refused' : 'failed').catch((second: unknown) => {
      // The lease lapses by itself; the first error is the one to show.
      process.emitWarning(`the run could not be finished: ${messageOf(second)}`);
    });
    throw error;
  } finally {
    clearInterval(timer);
  }
}
