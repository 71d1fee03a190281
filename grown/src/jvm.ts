import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { StranglerError } from '@strangler/errors';

export interface JvmOptions {
  readonly name: string;
  readonly java: string;
  readonly lib: string;
  readonly mainClass: string;
  readonly args: readonly string[];
  readonly heapMb: number;
  readonly log4j: string;
  readonly logFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether it ends with us; otherwise it lives on by itself. */
  readonly tethered: boolean;
}

/** When its standard input closes, because whoever holds it is gone, the JVM ends, too: even after a kill -9 of ours. */
const watchdog = `exec 3<&0
"$@" </dev/null 3<&- &
pid=$!
( cat <&3 >/dev/null; kill -TERM $pid 2>/dev/null; sleep 8; kill -KILL $pid 2>/dev/null ) >/dev/null 2>&1 &
exec 3<&-
# A signal ends the first wait; the second is for the JVM's own end.
trap : TERM
wait $pid
wait $pid`;

/** Starts a main class of the flat class path, with bounded memory; its words go to a file. */
export function launchJvm(options: JvmOptions): ChildProcess {
  const command = [
    options.java,
    '-Xms128m',
    `-Xmx${options.heapMb}m`,
    '-XX:+UseSerialGC',
    `-Dlog4j2.configurationFile=file:${options.log4j}`,
    '-cp',
    `${options.lib}/*`,
    options.mainClass,
    ...options.args,
  ];
  const log = openSync(options.logFile, 'a');
  try {
    const [file, args] = options.tethered
      ? (['/bin/sh', ['-c', watchdog, options.name, ...command]] as const)
      : ([options.java, command.slice(1)] as const);
    const child = spawn(file, args, {
      env: { PATH: process.env['PATH'] ?? '', ...options.env },
      detached: true,
      stdio: [options.tethered ? 'pipe' : 'ignore', log, log],
    });
    // A pipe to a JVM that has just ended breaks; its exit tells of that.
    child.stdin?.on('error', () => {});
    if (!options.tethered) child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** The end of a part's log, in an error. */
export async function partFailed(name: string, logFile: string): Promise<StranglerError> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  const last = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-5)
    .join(' | ');
  return new StranglerError(
    'COMPONENT_FAILED',
    `${name} did not start: ${last.slice(-800) || 'it said nothing'}.`,
    `Its log is ${logFile}.`,
  );
}
