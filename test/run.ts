/**
 * `node test/run.ts quick|full|grown [vitest filters]`: runs a tier of the tests, makes sure that no process is left, and
 * ends with the plain line `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findLeftovers } from './leftovers.ts';
import { lastLine, type Outcome, readOutcome, sumOf } from './outcome.ts';

type Tier = 'quick' | 'full' | 'grown';
/** What each tier runs, one after the other. */
const tiers: Readonly<Record<Tier, readonly Tier[]>> = {
  quick: ['quick'],
  full: ['full', 'grown'],
  grown: ['grown'],
};

const [tier, ...filters] = process.argv.slice(2);
if (tier !== 'quick' && tier !== 'full' && tier !== 'grown') {
  console.error('Usage: node test/run.ts quick|full|grown [filters]');
  process.exit(3);
}
process.exitCode = await main(tier, filters);

async function main(tier: Tier, filters: string[]): Promise<number> {
  const mark = `strangler-tests-${randomBytes(6).toString('hex')}`;
  const home = path.join(tmpdir(), mark);
  await mkdir(home);
  // PostgreSQL runs as another user when we are root.
  await chmod(home, 0o755);
  const outcomes: Outcome[] = [];
  let exitCode = 0;
  for (const part of tiers[tier]) {
    const report = path.join(home, `${part}.json`);
    const environment = { TMPDIR: home, STRANGLER_TEST_RUN: mark };
    exitCode = (await runVitest(part, filters, report, environment)) || exitCode;
    outcomes.push(await outcomeOf(report));
  }
  const leftovers = await findLeftovers(mark, 5_000);
  for (const { pid, command } of leftovers) {
    console.log(`LEFT RUNNING: process ${pid}: ${command}`);
    process.kill(pid, 'SIGKILL');
  }
  const outcome = sumOf(outcomes);
  await rm(home, { recursive: true, force: true });
  for (const name of outcome.skipped) console.log(`skipped: ${name}`);
  outcome.failed += leftovers.length;
  console.log(lastLine(outcome));
  const seen = outcome.passed + outcome.skipped.length;
  return exitCode === 0 && outcome.failed === 0 && seen > 0 ? 0 : 1;
}

async function runVitest(
  tier: string,
  filters: string[],
  report: string,
  environment: Record<string, string>,
): Promise<number> {
  const vitest = path.join(
    path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
    'vitest.mjs',
  );
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  // A filter may match in one part only.
  const none = filters.length > 0 ? ['--passWithNoTests'] : [];
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...none, ...filters], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment, TIER: tier },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const { promise, resolve } = Promise.withResolvers<number>();
  child.once('error', () => resolve(1));
  child.once('exit', (code) => resolve(code ?? 1));
  return promise;
}

/** A run that ended before it could report counts as one failure. */
async function outcomeOf(report: string): Promise<Outcome> {
  const text = await readFile(report, 'utf8').catch(() => undefined);
  return text === undefined ? { passed: 0, failed: 1, skipped: [] } : readOutcome(JSON.parse(text));
}
