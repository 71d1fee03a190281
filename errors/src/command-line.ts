import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf, StranglerError } from './strangler-error.ts';

/** A signal that aborts at Ctrl-C or SIGTERM, so that a program can end what it started. Asked twice, it ends at once. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interrupted.signal.aborted) process.exit(130);
      interrupted.abort();
    });
  }
  return interrupted.signal;
}

/** Reads a command line as node's `parseArgs` does. @throws StranglerError USAGE, with `usage` as the remedy */
export function parseUsage<const T extends ParseArgsConfig>(
  config: T,
  usage: string,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    throw new StranglerError('USAGE', `${messageOf(cause)}.`, usage, { cause });
  }
}
