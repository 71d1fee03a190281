import type { Limits } from '@strangler/config';
import type { Side } from '@strangler/ledger';
import { type StepName, type SwitchEffects, steps } from './steps.ts';

/** The effects of a dry run: the gates are judged for real, everything else is only told. */
export class NarrateSwitch implements SwitchEffects {
  readonly told: string[] = [];
  readonly #to: Side;
  readonly #limits: Limits;
  readonly #passGates: () => Promise<void>;

  constructor(to: Side, limits: Limits, passGates: () => Promise<void>) {
    this.#to = to;
    this.#limits = limits;
    this.#passGates = passGates;
  }

  #tell(name: StepName): void {
    const step = steps.find((each) => each.name === name);
    if (step) this.told.push(`${name}: ${step.describe(this.#to, this.#limits)}`);
  }

  async passGates(): Promise<void> {
    this.#tell('gates');
    await this.#passGates();
  }
  async hold(): Promise<void> {
    this.#tell('hold');
  }
  async drain(): Promise<void> {
    this.#tell('drain');
  }
  async fence(): Promise<void> {
    this.#tell('fence');
  }
  async awaitCaughtUp(): Promise<void> {
    this.#tell('caught up');
  }
  async decide(): Promise<void> {
    this.#tell('decide');
  }
  async awaitOpen(): Promise<void> {
    this.#tell('open');
  }
  async release(): Promise<void> {
    this.#tell('release');
  }
  async reopen(): Promise<void> {}
  async letGo(): Promise<void> {}
}
