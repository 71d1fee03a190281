import { StranglerError } from '@strangler/errors';
import { type Epoch, isOpen, type Ownership, otherSide, type Side } from '@strangler/ledger';
import type { StepName } from './steps.ts';

/** Where a switch begins, given the two ownership rows. */
export type SwitchPlan =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'whole'; readonly first: StepName; readonly ownerEpoch: Epoch }
  | {
      readonly kind: 'finish';
      readonly first: StepName;
      readonly ownerEpoch: Epoch;
      readonly decided: Epoch;
    };

/**
 * Pure. One side open: it owns. Both closed: the one with the lower epoch is due to open, through its sink.
 * @throws StranglerError STAGE_WRONG before the first sync, or while the other direction is unfinished.
 */
export function planSwitch(rows: Record<Side, Ownership | undefined>, to: Side): SwitchPlan {
  const target = rows[to];
  const owner = rows[otherSide[to]];
  if (!target || !owner) {
    throw new StranglerError(
      'STAGE_WRONG',
      'The extraction has not been synced.',
      'Run `strangler sync` first.',
    );
  }
  if (isOpen(target)) return { kind: 'nothing' };
  if (isOpen(owner)) return { kind: 'whole', first: 'gates', ownerEpoch: owner.epoch };
  if (owner.state === 'closed' && target.state === 'closed' && target.epoch < owner.epoch) {
    return { kind: 'finish', first: 'open', ownerEpoch: owner.epoch, decided: owner.epoch };
  }
  throw new StranglerError(
    'STAGE_WRONG',
    `The ${otherSide[to]} is ${owner.state} at epoch ${owner.epoch}, the ${to} ${target.state} at ${target.epoch}.`,
    'Another switch is under way; run `strangler status` until one side is open.',
  );
}
