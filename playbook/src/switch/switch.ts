import type { Config, Extraction } from '@strangler/config';
import { messageOf, waitFor } from '@strangler/errors';
import {
  checkEnvironment,
  type Epoch,
  isOpen,
  type Ownership,
  otherSide,
  readOwnership,
  recordEvent,
  reopen,
  type Side,
  setStage,
} from '@strangler/ledger';
import { type Databases, openDatabases } from '../databases.ts';
import { type HeldRun, holdRun } from '../hold-run.ts';
import type { Gate } from './gates.ts';
import { NarrateSwitch } from './narrate.ts';
import { type Acceptance, PerformSwitch } from './perform.ts';
import { planSwitch } from './plan.ts';
import { type Step, type StepReport, stepNames, steps, walk } from './steps.ts';

export interface SwitchOptions {
  readonly to: Side;
  readonly actor: string;
  readonly accept: Acceptance;
  readonly signal: AbortSignal;
  readonly onStep: (step: Step) => void;
  readonly onGates: (gates: readonly Gate[]) => void;
  readonly onWarning: (text: string) => void;
}

export interface SwitchResult {
  readonly direction: 'forward' | 'reverse';
  /** False when the side owned already. */
  readonly switched: boolean;
  /** From the first hold to the last release, in ms. */
  readonly pauseMs: number;
  readonly heldRequests: number;
  readonly epoch: string;
  readonly steps: readonly StepReport[];
}

/**
 * Moves the writes to `to`. Run again after any crash: it takes up what it finds.
 * @throws StranglerError GATE_CLOSED, DRAIN_TIMEOUT, FENCE_REFUSED, CATCH_UP_TIMEOUT, DECISION_LATE (nothing changed),
 * OPEN_TIMEOUT (decided: it will open), RUN_HELD.
 */
export async function switchWrites(
  config: Config,
  extraction: Extraction,
  options: SwitchOptions,
): Promise<SwitchResult> {
  const { to, actor } = options;
  await using databases = await openDatabases(config, extraction, 'operator', 'switch');
  await checkEnvironment(databases.monolith, config.environment, 'monolith');
  await checkEnvironment(databases.service, config.environment, 'service');
  const verb = to === 'service' ? 'switch --writes' : 'reverse';
  return await holdRun(
    databases.monolith,
    { extraction: extraction.name, verb, actor, plan: stepNames },
    async (run) => {
      const found = await settle(databases, extraction, to, options.signal);
      const plan = planSwitch(found, to);
      if (plan.kind === 'nothing') {
        await setStage(
          databases.monolith,
          extraction.name,
          to === 'service' ? 'switched' : 'following',
          config.hash,
        );
        return resultOf(to, found[to]?.epoch, undefined, []);
      }
      const { first, ownerEpoch } = plan;
      const effects = new PerformSwitch({
        config,
        extraction,
        databases,
        run,
        actor,
        to,
        ownerEpoch,
        ...(plan.kind === 'finish' ? { decided: plan.decided } : {}),
        accept: options.accept,
        onGates: options.onGates,
        signal: options.signal,
      });
      const { reports, error } = await walk(effects, {
        first,
        onStep: async (step) => {
          options.onStep(step);
          await run.at(step.name);
        },
        onUndoFailed: (step, failure) =>
          options.onWarning(`undoing ${step.name} failed (${messageOf(failure)}); it lapses by itself`),
      });
      if (error !== undefined) {
        await recordEvent(databases.monolith, {
          extraction: extraction.name,
          actor,
          what: 'switch refused',
          detail: { to, why: messageOf(error), steps: reports },
        });
        throw error;
      }
      return resultOf(to, (await readOwnership(databases[to], extraction.name))?.epoch, effects, reports);
    },
  );
}

/** The plan of a switch, told instead of done. */
export async function rehearseSwitch(
  config: Config,
  extraction: Extraction,
  options: Pick<SwitchOptions, 'to' | 'accept' | 'onGates' | 'signal' | 'actor'>,
): Promise<{ told: readonly string[] }> {
  await using databases = await openDatabases(config, extraction, 'operator', 'switch dry run');
  const noRun: HeldRun = { id: '', extraction: extraction.name, at: async () => {} };
  const judge = new PerformSwitch({
    config,
    extraction,
    databases,
    run: noRun,
    ownerEpoch: 0n as Epoch,
    ...options,
  });
  const effects = new NarrateSwitch(options.to, extraction.limits, () => judge.passGates());
  const { error } = await walk(effects, {
    first: steps[0]?.name ?? 'gates',
    onStep: () => {},
    onUndoFailed: () => {},
  });
  if (error !== undefined) throw error;
  return { told: effects.told };
}

type Found = Record<Side, Ownership | undefined>;

/** What an earlier run left undecided is taken back first; a decision of the other direction is let finish. */
async function settle(
  databases: Databases,
  extraction: Extraction,
  to: Side,
  signal: AbortSignal,
): Promise<Found> {
  const read = async (): Promise<Found> => ({
    monolith: await readOwnership(databases.monolith, extraction.name),
    service: await readOwnership(databases.service, extraction.name),
  });
  const found = await read();
  const from = otherSide[to];
  for (const side of [from, to]) {
    const row = found[side];
    if (row?.state === 'closing' && !isOpen(row))
      await reopen(databases[side], extraction.name, row.epoch, 5_000);
  }
  const { monolith, service } = found;
  const bothClosed = monolith?.state === 'closed' && service?.state === 'closed';
  if (bothClosed) {
    const due: Side = monolith.epoch < service.epoch ? 'monolith' : 'service';
    if (due !== to) {
      await waitFor(
        async () =>
          (await readOwnership(databases[due], extraction.name))?.state === 'open' ? true : undefined,
        {
          timeoutMs: 15_000,
          everyMs: 50,
          what: `the ${due}'s opening after an earlier decision`,
          signal,
        },
      );
    }
  }
  return await read();
}

function resultOf(
  to: Side,
  epoch: Epoch | undefined,
  effects: PerformSwitch | undefined,
  reports: readonly StepReport[],
): SwitchResult {
  return {
    direction: to === 'service' ? 'forward' : 'reverse',
    switched: effects !== undefined,
    pauseMs: effects?.pauseMs ?? 0,
    heldRequests: effects?.heldRequests ?? 0,
    epoch: String(epoch ?? 0n),
    steps: reports,
  };
}
