import { parseConfig } from '@strangler/config';
import { describe, expect, it } from 'vitest';
import { NarrateSwitch } from './narrate.ts';
import { type StepName, type SwitchEffects, stepNames, steps, walk } from './steps.ts';

/** Effects that only note what they were asked for, and fail where a test wants it. */
class RecordSwitch implements SwitchEffects {
  readonly done: string[] = [];
  readonly #fail: readonly string[];
  constructor(...fail: string[]) {
    this.#fail = fail;
  }
  async #note(what: string): Promise<void> {
    this.done.push(what);
    if (this.#fail.includes(what)) throw new Error(`${what} failed`);
  }
  passGates = () => this.#note('gates');
  hold = () => this.#note('hold');
  drain = () => this.#note('drain');
  fence = () => this.#note('fence');
  awaitCaughtUp = () => this.#note('caught up');
  decide = () => this.#note('decide');
  awaitOpen = () => this.#note('open');
  release = () => this.#note('release');
  reopen = () => this.#note('undo fence');
  letGo = () => this.#note('undo hold');
}

const walked = async (effects: SwitchEffects, first: StepName = 'gates', lostAt?: StepName) => {
  const undoFailed: string[] = [];
  const { reports, error } = await walk(effects, {
    first,
    onStep: (step) => {
      if (step.name === lostAt) throw new Error('the run was lost');
    },
    onUndoFailed: (step, failure) => undoFailed.push(`${step.name}: ${String(failure)}`),
  });
  return {
    outcomes: reports.map((each) => each.outcome),
    names: reports.map((each) => each.name),
    error,
    undoFailed,
  };
};

const service = { url: 'http://x', database: 'postgresql://x/x' };
const [extraction] = parseConfig(
  { environment: 'x', monolith: service, extractions: { x: { service, tables: {} } } },
  'x.ts',
).extractions;
if (!extraction) throw new Error('the config has an extraction');
const { limits } = extraction;

describe('the steps', () => {
  it('are one list, with no way back from the decision on', () => {
    expect(steps.map((step) => step.name)).toEqual(stepNames);
    expect(steps.filter((step) => step.undo === null).map((step) => step.name)).toEqual([
      'decide',
      'open',
      'release',
    ]);
  });

  it('read as sentences, for both directions', () => {
    const read = (to: 'monolith' | 'service') => steps.map((step) => step.describe(to, limits));
    expect(read('service')).toMatchInlineSnapshot(`
      [
        "check that the service may take over",
        "facades keep new writes waiting, for at most 6000 ms",
        "writes under way in the monolith end, within 1000 ms",
        "the monolith's database refuses writes, for at most 2000 ms",
        "the service's copy has applied the fence's own row",
        "the monolith gives up the tables for good, with its sequences' values",
        "the sink opens the service in the transaction that applies the decision",
        "facades send the held writes to the service",
      ]
    `);
    const swapped = read('monolith').map((text) =>
      text.replaceAll(/monolith|service/g, (side) => (side === 'monolith' ? 'service' : 'monolith')),
    );
    expect(swapped).toEqual(read('service'));
  });
});

describe('a walk', () => {
  it('performs every step once, in order', async () => {
    const effects = new RecordSwitch();
    const { outcomes, names, error } = await walked(effects);
    expect(effects.done).toEqual(stepNames);
    expect(names).toEqual(stepNames);
    expect(outcomes).toEqual(stepNames.map(() => 'done'));
    expect(error).toBeUndefined();
  });

  it('takes up a decision where an earlier run left it', async () => {
    const effects = new RecordSwitch();
    const { outcomes } = await walked(effects, 'open');
    expect(effects.done).toEqual(['open', 'release']);
    expect(outcomes).toEqual([...Array(6).fill('not run'), 'done', 'done']);
  });

  it('trap 46: undoes in reverse order what fails before the decision, and nothing once it may be decided', async () => {
    const sequences: Record<string, string> = {};
    for (const name of stepNames) {
      const effects = new RecordSwitch(name);
      const { outcomes, error } = await walked(effects);
      expect(error).toEqual(new Error(`${name} failed`));
      sequences[name] = `${effects.done.join(', ')} | ${outcomes.join(', ')}`;
    }
    expect(sequences).toMatchInlineSnapshot(`
      {
        "caught up": "gates, hold, drain, fence, caught up, undo fence, undo hold | undone, undone, undone, undone, failed, not run, not run, not run",
        "decide": "gates, hold, drain, fence, caught up, decide, undo fence, undo hold | undone, undone, undone, undone, undone, failed, not run, not run",
        "drain": "gates, hold, drain, undo hold | undone, undone, failed, not run, not run, not run, not run, not run",
        "fence": "gates, hold, drain, fence, undo fence, undo hold | undone, undone, undone, failed, not run, not run, not run, not run",
        "gates": "gates | failed, not run, not run, not run, not run, not run, not run, not run",
        "hold": "gates, hold, undo hold | undone, failed, not run, not run, not run, not run, not run, not run",
        "open": "gates, hold, drain, fence, caught up, decide, open | done, done, done, done, done, done, failed, not run",
        "release": "gates, hold, drain, fence, caught up, decide, open, release | done, done, done, done, done, done, done, failed",
      }
    `);
  });

  it('does the same when the run is lost between two steps', async () => {
    const sequences: Record<string, string> = {};
    for (const name of stepNames) {
      const effects = new RecordSwitch();
      const { error } = await walked(effects, 'gates', name);
      expect(error).toEqual(new Error('the run was lost'));
      sequences[name] = effects.done.join(', ');
    }
    expect(sequences).toMatchInlineSnapshot(`
      {
        "caught up": "gates, hold, drain, fence, undo fence, undo hold",
        "decide": "gates, hold, drain, fence, caught up, undo fence, undo hold",
        "drain": "gates, hold, undo hold",
        "fence": "gates, hold, drain, undo fence, undo hold",
        "gates": "",
        "hold": "gates, undo hold",
        "open": "gates, hold, drain, fence, caught up, decide",
        "release": "gates, hold, drain, fence, caught up, decide, open",
      }
    `);
  });

  it('goes on undoing when one undo fails, says so, and keeps the first error', async () => {
    const effects = new RecordSwitch('caught up', 'undo fence');
    const { outcomes, error, undoFailed } = await walked(effects);
    expect(effects.done).toEqual(['gates', 'hold', 'drain', 'fence', 'caught up', 'undo fence', 'undo hold']);
    expect(outcomes.slice(0, 5)).toEqual(['undone', 'undone', 'undone', 'done', 'failed']);
    expect(error).toEqual(new Error('caught up failed'));
    expect(undoFailed).toEqual(['fence: Error: undo fence failed']);
  });
});

describe('a dry run', () => {
  it('tells exactly the steps that a switch performs, in their order, and judges the gates for real', async () => {
    let judged = 0;
    const narration = new NarrateSwitch('service', limits, async () => {
      judged += 1;
    });
    const performed = new RecordSwitch();
    await walked(narration);
    await walked(performed);
    expect(narration.told.map((line) => line.slice(0, line.indexOf(':')))).toEqual(performed.done);
    expect(narration.told).toEqual(steps.map((step) => `${step.name}: ${step.describe('service', limits)}`));
    expect(judged).toBe(1);
  });

  it('ends where a gate says no', async () => {
    const no = new Error('no');
    const narration = new NarrateSwitch('monolith', limits, async () => {
      throw no;
    });
    expect((await walked(narration)).error).toBe(no);
    expect(narration.told).toEqual(['gates: check that the monolith may take over']);
  });
});
