import { isAbort, messageOf, pause, StranglerError, waitFor } from '@strangler/errors';
import type { Part, Stack } from '@strangler/stack';
import { runCommand } from '@strangler/stack';
import { z } from 'zod';
import { type BugName, plantAfterSync } from './bugs/planted.ts';
import { openReports } from './disturbance.ts';
import type { Journal } from './journal.ts';
import type { Operator } from './operator.ts';
import type { Progress } from './progress.ts';
import type { StepResult, SwitchFigures } from './result.ts';
import type { Traffic } from './shoppers/traffic.ts';

/** How long each phase lasts, in milliseconds. */
export interface Phases {
  warmUp: number;
  reads: number;
  run: number;
  frozen: number;
}

export interface WalkOptions {
  stack: Stack;
  operator: Operator;
  traffic: Traffic;
  journal: Journal;
  progress: Progress;
  phases: Phases;
  kill: readonly Part[];
  disturb: boolean;
  bug: BugName | undefined;
  signal: AbortSignal;
}

/** What the walk leaves for the result. */
export interface Walked {
  steps: StepResult[];
  switches: SwitchFigures[];
  verify: { table: string; rows: number; differences: number }[];
  /** The service's share of the reads at 100 %; undefined when the walk didn't get there. */
  serviceShare: number | undefined;
}

type Step = [name: string, run: () => Promise<void>];

const reads = ['get', 'list'];
const windowMs = 5_000;
const connectorsMs = 60_000;

const switched = z.object({ pauseMs: z.number(), heldRequests: z.number() });
const shown = z.object({
  extractions: z.array(
    z.object({ streams: z.array(z.object({ connector: z.object({ state: z.string() }).nullable() })) }),
  ),
});
const verified = z.object({
  tables: z.array(
    z.object({
      table: z.string(),
      rows: z.coerce.number(),
      differences: z.union([z.number(), z.array(z.unknown())]),
    }),
  ),
});

/** Walks the playbook with the real command, under the shoppers' traffic. A step that fails ends the walk. */
export class Walk {
  readonly #o: WalkOptions;
  readonly walked: Walked = { steps: [], switches: [], verify: [], serviceShare: undefined };

  constructor(options: WalkOptions) {
    this.#o = options;
  }

  /** @returns whether every step was done */
  async walk(): Promise<boolean> {
    const { operator, phases, stack, traffic } = this.#o;
    const throughKafka: Step[] = stack.grown ? [['through Kafka', () => this.#bothConnectorsRun()]] : [];
    const steps: Step[] = [
      ['shopping', () => this.#shop(phases.warmUp)],
      ['quote by flag', () => this.#moveReads('quote', 100, ['quote'], phases.reads)],
      ['doctor', async () => void (await operator.run('doctor', 'orders'))],
      ['sync', () => this.#sync()],
      ...throughKafka,
      ['verify', () => this.#verify()],
      ['parity', async () => void (await operator.run('parity', 'orders'))],
      ['reads 5 %', () => this.#moveReads('orders', 5, reads, phases.reads)],
      ['reads 50 %', () => this.#moveReads('orders', 50, reads, phases.reads)],
      ['sink frozen', () => this.#freeze()],
      ['reads 100 %', () => this.#moveReads('orders', 100, reads, Math.max(phases.reads, windowMs))],
      ['switch writes', () => this.#switch('forward')],
      ['nightly refused', () => this.#nightlyIsRefused()],
      ['verify before reverse', () => this.#verify()],
      // After the verification, whose reading of every row is not to count as what a switch costs.
      ['service owns', () => this.#shop(phases.run)],
      ['reverse', () => this.#switch('reverse')],
      ['verify before switch', () => this.#verify()],
      ['monolith owns', () => this.#shop(phases.run)],
      ['switch writes again', () => this.#switch('forward')],
      ['service owns again', () => this.#shop(phases.run)],
      ['final verify', () => this.#verify()],
    ];
    for (const [name, run] of steps) {
      traffic.step = name;
      if (!(await this.#step(name, run))) return false;
      if (name !== 'nightly refused') continue;
      for (const part of this.#o.kill) {
        if (!(await this.#step(`kill ${part}`, () => this.#kill(part)))) return false;
      }
    }
    return true;
  }

  async #step(name: string, run: () => Promise<void>): Promise<boolean> {
    const { progress, signal } = this.#o;
    const startedAt = performance.now();
    let outcome = 'done';
    try {
      signal.throwIfAborted();
      await run();
    } catch (error) {
      outcome = isAbort(error) && signal.aborted ? 'interrupted' : messageOf(error);
    }
    const durationMs = Math.round(performance.now() - startedAt);
    this.walked.steps.push({ name, outcome, durationMs });
    progress.note = '';
    progress.say(
      `${outcome === 'done' ? '✓' : '✗'} ${name.padEnd(24)} ${(durationMs / 1_000).toFixed(1).padStart(6)} s${outcome === 'done' ? this.#remark(name) : `  ${outcome}`}`,
    );
    return outcome === 'done';
  }

  /** What a person wants to know about a step that is done. */
  #remark(name: string): string {
    const last = this.walked.switches.at(-1);
    if (/^(switch|reverse)/.test(name) && last) {
      return `  writes paused for ${Math.round(last.pauseMs)} ms, ${last.heldRequests} held, ${last.ordersPerSecond} orders/s around it`;
    }
    if (/^reads/.test(name))
      return `  ${Math.round(this.#o.traffic.serviceShare(name, reads) * 100)} % from the service`;
    if (name === 'through Kafka') return '  a connector of Debezium runs for each direction';
    if (/verify/.test(name))
      return `  ${this.walked.verify.map((table) => `${table.table}: ${table.rows} rows`).join(', ')}`;
    return '';
  }

  async #shop(ms: number): Promise<void> {
    await pause(ms, this.#o.signal);
  }

  async #sync(): Promise<void> {
    await this.#o.operator.run('sync', 'orders');
    await plantAfterSync(this.#o.bug, this.#o.stack);
  }

  /** Sends a share of reads to the service, and waits until the facade has heard of it. */
  async #moveReads(what: string, percent: number, routes: readonly string[], ms: number): Promise<void> {
    const { operator, traffic, signal } = this.#o;
    const step = traffic.step;
    traffic.step = `${step}, on its way`;
    await operator.run('switch', what, '--reads', `${percent}%`);
    const before =
      traffic.rows().find((row) => row.step === traffic.step && routes.includes(row.route))?.service ?? 0;
    await waitFor(
      () => {
        const now = traffic.rows().filter((row) => row.step === traffic.step && routes.includes(row.route));
        return now.reduce((sum, row) => sum + row.service, 0) > before ? true : undefined;
      },
      { timeoutMs: 20_000, everyMs: 100, what: `An answer of the service to ${routes.join(' or ')}`, signal },
    );
    // Facades hear of a flag within two polls; what came before doesn't count as the step's share.
    await pause(percent === 100 ? 1_500 : 500, signal);
    traffic.step = step;
    await pause(ms, signal);
    if (what === 'orders' && percent === 100) this.walked.serviceShare = traffic.serviceShare(step, routes);
  }

  /** Waits until `status` says that Debezium carries both streams. */
  async #bothConnectorsRun(): Promise<void> {
    const { operator, signal } = this.#o;
    await waitFor(
      async () => {
        const { extractions } = shown.parse(await operator.run('status', 'orders'));
        const streams = extractions.flatMap((each) => each.streams);
        return streams.length === 2 && streams.every((each) => each.connector?.state === 'RUNNING')
          ? true
          : undefined;
      },
      { timeoutMs: connectorsMs, everyMs: 1_000, what: 'The start of both connectors', signal },
    );
  }

  /** Stops the process that carries the streams for a moment: nobody may notice. */
  async #freeze(): Promise<void> {
    const { stack, phases, signal } = this.#o;
    stack.kill('cdc', 'SIGSTOP');
    try {
      await pause(phases.frozen, signal);
    } finally {
      stack.kill('cdc', 'SIGCONT');
    }
    await pause(1_000, signal);
  }

  async #switch(direction: 'forward' | 'reverse'): Promise<void> {
    const { operator, journal, disturb, stack, signal } = this.#o;
    const closeReports = disturb ? await openReports(stack.databases) : async () => {};
    const from = performance.now();
    const verb = direction === 'forward' ? ['switch', 'orders', '--writes'] : ['reverse', 'orders'];
    const { pauseMs, heldRequests } = switched.parse(await operator.run(...verb));
    const to = performance.now();
    await closeReports();
    await pause(Math.max(0, windowMs + 500 - (performance.now() - to)), signal);
    const gap = longestGap(journal, from, to);
    const perSecond = (start: number) =>
      journal.acknowledgedBetween(start, start + windowMs) / (windowMs / 1_000);
    const ordersPerSecond = Math.min(perSecond(gap.from - windowMs), perSecond(gap.to));
    this.walked.switches.push({ direction, pauseMs, heldRequests, ordersPerSecond });
  }

  async #verify(): Promise<void> {
    const { tables } = verified.parse(await this.#o.operator.run('verify', 'orders'));
    this.walked.verify = tables.map(({ table, rows, differences }) => ({
      table,
      rows,
      differences: Array.isArray(differences) ? differences.length : differences,
    }));
  }

  /** The nightly job writes past HTTP: the database itself has to refuse it, and to say who owns the orders. */
  async #nightlyIsRefused(): Promise<void> {
    const { stack, signal } = this.#o;
    const job = { script: 'legacy-monolith/src/nightly.ts', env: stack.env.nightly };
    const done = await runCommand(job, { timeoutMs: 60_000, signal });
    if (done.exitCode === 0 || !/belong/.test(done.stderr)) {
      throw new StranglerError(
        'COMPONENT_FAILED',
        `The nightly job was not refused: exit code ${done.exitCode}, it said: ${done.stdout}${done.stderr}`,
        'A fence is missing: run `strangler doctor orders`.',
      );
    }
  }

  /** kill -9, away from any hold; goes on when the stack has it up again and shoppers are served. */
  async #kill(kill: Part): Promise<void> {
    const { stack, traffic, signal } = this.#o;
    const pid = stack.pid(kill);
    stack.kill(kill, 'SIGKILL');
    await waitFor(() => (stack.pid(kill) !== pid ? true : undefined), {
      timeoutMs: 10_000,
      what: `The end of ${kill}`,
      signal,
    });
    await within(90_000, stack.ready(kill));
    await waitFor(
      async () => {
        const failed = traffic.failed;
        await pause(3_000, signal);
        return traffic.failed === failed ? true : undefined;
      },
      { timeoutMs: 120_000, what: 'Three seconds without a failed request', signal },
    );
  }
}

/** The longest time without an acknowledged order in a span: where the writes stood still. */
function longestGap(journal: Journal, from: number, to: number): { from: number; to: number } {
  const times = [...journal.placed.values()]
    .map((placed) => placed.acknowledgedAt)
    .filter((at) => at >= from - 1_000 && at <= to + 1_000)
    .toSorted((a, b) => a - b);
  let gap = { from, to: from };
  for (const [index, at] of times.entries()) {
    const before = times[index - 1];
    if (before !== undefined && at - before > gap.to - gap.from) gap = { from: before, to: at };
  }
  return gap;
}

/** Waits for something, but no longer than that; the timer goes with it. */
async function within(ms: number, awaited: Promise<void>): Promise<void> {
  const over = new AbortController();
  await Promise.race([awaited, pause(ms, over.signal).catch(() => {})]);
  over.abort();
}
