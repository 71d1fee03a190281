import type { Limits } from '@strangler/config';
import { otherSide, type Side } from '@strangler/ledger';

/** All that a switch does to the world; a dry run is another implementation. */
export interface SwitchEffects {
  passGates(): Promise<void>;
  hold(): Promise<void>;
  drain(): Promise<void>;
  fence(): Promise<void>;
  awaitCaughtUp(): Promise<void>;
  /** The point of no return. */
  decide(): Promise<void>;
  awaitOpen(): Promise<void>;
  release(): Promise<void>;
  /** Takes an undecided fence back. */
  reopen(): Promise<void>;
  /** Ends the hold without a switch. */
  letGo(): Promise<void>;
}

export const stepNames = [
  'gates',
  'hold',
  'drain',
  'fence',
  'caught up',
  'decide',
  'open',
  'release',
] as const;
export type StepName = (typeof stepNames)[number];

/** One step; `undo` is null from the decision on: the way back is then a switch in the other direction. */
export interface Step {
  readonly name: StepName;
  readonly describe: (to: Side, limits: Limits) => string;
  readonly act: (effects: SwitchEffects) => Promise<void>;
  readonly undo: ((effects: SwitchEffects) => Promise<void>) | null;
}

const nothing = async () => {};

/** The switch, written once; `to` is the side that will own. A reverse is the same list with the names swapped. */
export const steps: readonly Step[] = [
  {
    name: 'gates',
    describe: (to) => `check that the ${to} may take over`,
    act: (effects) => effects.passGates(),
    undo: nothing,
  },
  {
    name: 'hold',
    describe: (_, { holdMs }) => `facades keep new writes waiting, for at most ${holdMs} ms`,
    act: (effects) => effects.hold(),
    undo: (effects) => effects.letGo(),
  },
  {
    name: 'drain',
    describe: (to, { drainMs }) => `writes under way in the ${otherSide[to]} end, within ${drainMs} ms`,
    act: (effects) => effects.drain(),
    undo: nothing,
  },
  {
    name: 'fence',
    describe: (to, { fenceMs }) =>
      `the ${otherSide[to]}'s database refuses writes, for at most ${fenceMs} ms`,
    act: (effects) => effects.fence(),
    undo: (effects) => effects.reopen(),
  },
  {
    name: 'caught up',
    describe: (to) => `the ${to}'s copy has applied the fence's own row`,
    act: (effects) => effects.awaitCaughtUp(),
    undo: nothing,
  },
  {
    name: 'decide',
    describe: (to) => `the ${otherSide[to]} gives up the tables for good, with its sequences' values`,
    act: (effects) => effects.decide(),
    undo: null,
  },
  {
    name: 'open',
    describe: (to) => `the sink opens the ${to} in the transaction that applies the decision`,
    act: (effects) => effects.awaitOpen(),
    undo: null,
  },
  {
    name: 'release',
    describe: (to) => `facades send the held writes to the ${to}`,
    act: (effects) => effects.release(),
    undo: null,
  },
];

export type StepOutcome = 'done' | 'failed' | 'undone' | 'not run';
export interface StepReport {
  readonly name: StepName;
  readonly outcome: StepOutcome;
  readonly durationMs: number;
}

/**
 * Walks the list from `first` on. An error before the decision undoes what was done, in reverse order; an error after
 * it undoes nothing: whoever applies the stream, or runs the command again, carries it forward.
 */
export async function walk(
  effects: SwitchEffects,
  options: {
    first: StepName;
    onStep: (step: Step) => Promise<void> | void;
    onUndoFailed: (step: Step, error: unknown) => void;
  },
): Promise<{ reports: StepReport[]; error: unknown }> {
  const start = steps.findIndex((step) => step.name === options.first);
  const reports: StepReport[] = steps.map(({ name }) => ({ name, outcome: 'not run', durationMs: 0 }));
  for (const [index, step] of steps.entries()) {
    if (index < start) continue;
    const began = performance.now();
    const report = (outcome: StepOutcome) => {
      reports[index] = { name: step.name, outcome, durationMs: Math.round(performance.now() - began) };
    };
    try {
      await options.onStep(step);
      await step.act(effects);
      report('done');
    } catch (error) {
      report('failed');
      if (step.undo !== null || step.name === 'decide')
        await undoFrom(index, start, effects, reports, options.onUndoFailed);
      return { reports, error };
    }
  }
  return { reports, error: undefined };
}

/** Undoes the failed step too: it may have done half of its work. Each undo does nothing where nothing was done. */
async function undoFrom(
  failed: number,
  start: number,
  effects: SwitchEffects,
  reports: StepReport[],
  onUndoFailed: (step: Step, error: unknown) => void,
): Promise<void> {
  for (let index = failed; index >= start; index -= 1) {
    const step = steps[index];
    const report = reports[index];
    if (!step?.undo || !report) continue;
    try {
      await step.undo(effects);
      if (report.outcome === 'done') reports[index] = { ...report, outcome: 'undone' };
    } catch (error) {
      onUndoFailed(step, error);
    }
  }
}
