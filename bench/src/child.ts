import { type ChildProcess, fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { StranglerError } from '@strangler/errors';
import { z } from 'zod';

const reply = z.union([z.object({ value: z.unknown() }), z.object({ error: z.string() })]);

export interface ChildOptions {
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  /** Where the process leaves its CPU profile at its end, and under what name. */
  readonly profile?: { readonly directory: string | undefined; readonly name: string };
}

/** A process of node's own that does one thing when asked, so that its CPU time is its alone. */
export interface Child {
  /** Asks it for one of its calls. @throws StranglerError COMPONENT_FAILED, or when the signal aborts. */
  call<T>(name: string, argument: unknown, shape: z.ZodType<T>): Promise<T>;
  /** Ends it; settles when it is gone. */
  stop(): Promise<void>;
}

/** Starts a script of ours that ends with `answerCalls`, and waits until it is loaded. One call at a time. */
export async function startChild(script: URL, options: ChildOptions): Promise<Child> {
  const { signal, env = {} } = options;
  signal.throwIfAborted();
  const child = fork(script, [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: await profileFlags(options.profile),
    env: { ...process.env, ...env },
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const loaded = reply.parse(await answerOf(child, gone, signal));
  if ('error' in loaded) throw failed(script, loaded.error);
  const call = async <T>(name: string, argument: unknown, shape: z.ZodType<T>) => {
    const answer = answerOf(child, gone, signal);
    child.send({ call: name, argument });
    const message = reply.parse(await answer);
    if ('error' in message) throw failed(script, message.error);
    return shape.parse(message.value);
  };
  return {
    call,
    async stop() {
      if (child.connected) child.disconnect();
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await gone;
      clearTimeout(late);
    },
  };
}

function answerOf(child: ChildProcess, gone: Promise<void>, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    const settle = (message: unknown) => {
      signal.removeEventListener('abort', aborted);
      resolve(message);
    };
    signal.addEventListener('abort', aborted, { once: true });
    child.once('message', settle);
    void gone.then(() => settle({ error: 'it ended' }));
  });
}

async function profileFlags(profile: ChildOptions['profile']): Promise<string[]> {
  if (profile?.directory === undefined) return [];
  await mkdir(profile.directory, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${profile.directory}`, `--cpu-prof-name=${profile.name}.cpuprofile`];
}

function failed(script: URL, why: string): StranglerError {
  return new StranglerError(
    'COMPONENT_FAILED',
    `The bench's process ${script.pathname.split('/').at(-1)} failed: ${why}.`,
    'Its last words stand above.',
  );
}

const request = z.object({ call: z.string(), argument: z.unknown() });

/**
 * The child's side: answers calls until the parent lets go, then ends by itself; a parent that died lets go, too.
 * `end` is waited for.
 */
export function answerCalls(
  calls: Readonly<Record<string, (argument: unknown) => Promise<unknown> | unknown>>,
  end: () => Promise<void> | void = () => {},
): void {
  process.on('message', async (message) => {
    const { call, argument } = request.parse(message);
    try {
      const value = await calls[call]?.(argument);
      process.send?.({ value: value ?? null });
    } catch (error) {
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.once('disconnect', async () => {
    await end();
    process.exit();
  });
  process.send?.({ value: 'loaded' });
  // Ctrl-C reaches the whole group: the parent decides, and lets go.
  process.on('SIGINT', () => {});
}
