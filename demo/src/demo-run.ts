import path from 'node:path';
import { repository, runCommand } from '@strangler/stack';
import type { DemoResult } from './result.ts';

/** What the result of every run has in which nothing went wrong. */
export const flawless: Partial<DemoResult> = {
  ok: true,
  failedRequests: 0,
  unknownWrites: 0,
  lostWrites: 0,
  duplicatedWrites: 0,
  staleReads: 0,
};
/** The way of the whole demo. */
export const outBackAndOut = [{ direction: 'forward' }, { direction: 'reverse' }, { direction: 'forward' }];

/** Runs `npm run demo` as a person does, for tests: its exit code, its JSON, and what it said. */
export async function demoRun(
  ...args: string[]
): Promise<{ exitCode: number; result: DemoResult | undefined; said: string }> {
  const script = path.join(repository, 'demo', 'src', 'main.ts');
  // Where Java is, and what Maven has fetched.
  const names = ['JAVA_HOME', 'STRANGLER_ARTIFACTS', 'STRANGLER_DATA'];
  const env = Object.fromEntries(
    names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  const done = await runCommand({ script, args: ['--json', ...args], env }, { timeoutMs: 540_000 });
  const line = done.stdout.trim().split('\n').at(-1) ?? '';
  const result = line.startsWith('{') ? (JSON.parse(line) as DemoResult) : undefined;
  return { exitCode: done.exitCode, result, said: done.stderr };
}
