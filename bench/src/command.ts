import { cpus, release } from 'node:os';
import { interruption, isAbort, messageOf, StranglerError } from '@strangler/errors';

/** Runs a command of the bench until it is done, or until Ctrl-C. Returns the exit code. */
export async function runCommand(work: (signal: AbortSignal) => Promise<boolean>): Promise<number> {
  const interrupted = interruption();
  try {
    return (await work(interrupted)) ? 0 : 1;
  } catch (error) {
    if (interrupted.aborted && (isAbort(error) || error === interrupted.reason)) return 130;
    if (error instanceof StranglerError) console.error(`${error.code}: ${error.fact}\n${error.remedy}`);
    else console.error(`UNEXPECTED: ${messageOf(error)}`);
    return error instanceof StranglerError ? error.exitCode : 1;
  }
}

/** What the figures were measured on. */
export function machine(): string {
  const all = cpus();
  return `${all.length} × ${all[0]?.model.trim() ?? 'CPU'}, ${process.platform} ${release()}, node ${process.versions.node}`;
}
