import { createWriteStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts, type Stack, startStack } from '@strangler/stack';
import { stackOptionsOf } from './bugs/planted.ts';
import { check, type Findings } from './checks.ts';
import { lastSeededOrder, openDatabases, readHoldings } from './databases.ts';
import { busyAutovacuum } from './disturbance.ts';
import { Journal } from './journal.ts';
import { Operator } from './operator.ts';
import type { DemoOptions } from './options.ts';
import { PastHttp } from './past-http.ts';
import { Progress } from './progress.ts';
import { type DemoResult, problems } from './result.ts';
import { Crowd } from './shoppers/crowd.ts';
import { Traffic } from './shoppers/traffic.ts';
import { type Phases, Walk, type Walked } from './walk.ts';

const phases: Phases = { warmUp: 3_000, reads: 5_000, run: 7_000, frozen: 3_000 };
const quickPhases: Phases = { warmUp: 1_000, reads: 1_500, run: 2_000, frozen: 3_000 };
const quickSeed = { users: 500, orders: 3_000 };
const shoppers = { full: 240, quick: 200 };

/** What a run ended with, and what a person should look at. */
export interface DemoReport {
  result: DemoResult;
  problems: string[];
  /** Single facts behind the problems. */
  details: string[];
  /** Where data and logs are, when they were kept. */
  kept: string | undefined;
}

/** Starts a stack on fresh data and free ports, walks the playbook under traffic, and checks what came of it. */
export async function runDemo(
  options: DemoOptions,
  out: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<DemoReport> {
  const home = await mkdtemp(path.join(tmpdir(), 'strangler-demo-'));
  // PostgreSQL's system user passes through here.
  await chmod(home, 0o711);
  const logs = createWriteStream(path.join(home, 'stack.log'));
  const traffic = new Traffic((failure) =>
    logs.write(`${new Date().toISOString()} shoppers ${JSON.stringify(failure)}\n`),
  );
  const journal = new Journal();
  const progress = new Progress(traffic, journal, out);
  progress.start();
  let kept: string | undefined = home;
  try {
    const startedAt = performance.now();
    progress.say(
      `Starting two PostgreSQL clusters, the shop, the orders service, flags, facade and streams${options.grown ? ', which go through Debezium and Kafka' : ''} ...`,
    );
    const stack = await startStack({
      dataDir: path.join(home, 'data'),
      ports: await freePorts(),
      environment: 'demo',
      grown: options.grown,
      log: (part, line) => {
        logs.write(`${new Date().toISOString()} ${part} ${line}\n`);
        if (part === 'stack') progress.say(line);
      },
      signal,
      ...stackOptionsOf(options.bug),
      ...(options.quick ? { seed: quickSeed } : {}),
      ...(options.disturb ? { settings: busyAutovacuum } : {}),
    });
    try {
      progress.say(
        `The shop is open at ${stack.addresses.facade}, after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`,
      );
      const report = await shopAndWalk({ options, stack, traffic, journal, progress, signal });
      if (report.result.ok && !options.keep) kept = undefined;
      return { ...report, kept };
    } finally {
      await stack.stop();
    }
  } finally {
    progress.stop();
    await new Promise((resolve) => logs.end(resolve));
    if (kept === undefined) await rm(home, { recursive: true, force: true });
  }
}

interface Run {
  options: DemoOptions;
  stack: Stack;
  traffic: Traffic;
  journal: Journal;
  progress: Progress;
  signal: AbortSignal;
}

async function shopAndWalk(run: Run): Promise<Omit<DemoReport, 'kept'>> {
  const { options, stack, traffic, journal, progress, signal } = run;
  const startedAt = performance.now();
  const databases = openDatabases(stack.databases);
  const crowd = new Crowd(stack.addresses.facade, journal, traffic);
  const pastHttp = new PastHttp(stack.databases.monolith);
  try {
    const before = await readHoldings(databases);
    const seededUpTo = await lastSeededOrder(databases);
    await crowd.arrive(options.quick ? shoppers.quick : shoppers.full);
    crowd.start(options.rate);
    pastHttp.start();
    const operator = new Operator(stack, {
      say: (line) => progress.say(line),
      attempts: options.kill.length > 0 || !(options.bars || options.bug) ? 5 : 1,
    });
    const walk = new Walk({
      stack,
      operator,
      traffic,
      journal,
      progress,
      phases: options.quick ? quickPhases : phases,
      kill: options.kill,
      disturb: options.disturb,
      bug: options.bug,
      signal,
    });
    await walk.walk();
    traffic.step = 'closing time';
    await Promise.all([crowd.leave(), pastHttp.stop()]);
    const findings = await check({
      databases,
      journal,
      pastHttp,
      before,
      seededUpTo,
      synced: walk.walked.steps.some((step) => step.name === 'sync'),
      settleMs: options.kill.length > 0 ? 60_000 : 10_000,
    });
    return summarize(run, {
      walked: walk.walked,
      findings,
      durationMs: performance.now() - startedAt,
      missed: crowd.missed,
    });
  } finally {
    await Promise.all([crowd.leave(), pastHttp.stop()]);
    await databases.end();
  }
}

function summarize(
  { options, traffic, journal }: Run,
  of: { walked: Walked; findings: Findings; durationMs: number; missed: number },
): Omit<DemoReport, 'kept'> {
  const { walked, findings } = of;
  const result = {
    durationMs: Math.round(of.durationMs),
    requests: traffic.requests,
    failedRequests: traffic.failed,
    refusedRequests: traffic.refused,
    unknownWrites: journal.count('unknown'),
    acknowledgedWrites: journal.count('acknowledged'),
    lostWrites: findings.lost.length,
    duplicatedWrites: findings.duplicated.length,
    staleReads: traffic.stale.length,
    steps: walked.steps,
    switches: walked.switches,
    verify: walked.verify,
    traffic: traffic.rows(),
  };
  const found = problems(
    result,
    { imbalances: findings.imbalances.length, serviceShare: walked.serviceShare },
    {
      pauseMsMax: options.bars ? 1_000 : Number.POSITIVE_INFINITY,
      ordersPerSecondMin: options.bars ? options.rate / 2 : 0,
      serviceShareMin: options.bars ? 0.9 : 0,
      failuresAllowed: options.kill.length > 0,
    },
  );
  const failures = traffic.failures.map(
    ({ step, route, status, said }) => `${step}: ${route} answered ${status} ${said}`,
  );
  const details = [failures, traffic.stale, findings.lost, findings.duplicated, findings.imbalances].flatMap(
    firstFew,
  );
  if (of.missed > 0) details.push(`${of.missed} visits found no free shopper`);
  return { result: { ok: found.length === 0, ...result }, problems: found, details };
}

/** Enough of a kind to see what it is. */
function firstFew(facts: readonly string[]): string[] {
  return facts.length <= 8 ? [...facts] : [...facts.slice(0, 8), `… and ${facts.length - 8} more like this`];
}
