import { type Epoch, isOpen, type Ownership, otherSide, ownerStates, type Side } from '@strangler/ledger';
import { describe, expect, it } from 'vitest';
import { planSwitch } from './plan.ts';

const row = (
  side: Side,
  state: Ownership['state'],
  epoch: number,
  remainingMs: number | null,
): Ownership => ({
  side,
  state,
  epoch: BigInt(epoch) as Epoch,
  term: 1n as Epoch,
  remainingMs,
});

/** Every row that one side can have, at a low and a high epoch; undefined = never synced. */
const rowsOf = (side: Side) => [
  undefined,
  ...ownerStates.flatMap((state) =>
    [4, 5].flatMap((epoch) =>
      (state === 'closing' ? [700, 0, -700] : [null]).map((ms) => row(side, state, epoch, ms)),
    ),
  ),
];

const told = (each: Ownership | undefined) =>
  !each
    ? 'absent'
    : each.state === 'closing'
      ? `closing ${isOpen(each) ? 'lapsed' : 'live'}`
      : each.state === 'closed'
        ? `closed at ${each.epoch}`
        : 'open';

const planned = (owner: Ownership | undefined, target: Ownership | undefined, to: Side) => {
  const rows = to === 'service' ? { monolith: owner, service: target } : { monolith: target, service: owner };
  try {
    const plan = planSwitch(rows, to);
    return plan.kind === 'nothing' ? 'nothing' : `${plan.kind} from ${plan.first}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : `threw ${String(error)}`;
  }
};

describe('where a switch begins', () => {
  it('is decided by the two rows alone, for every combination of them, alike in both directions', () => {
    const table = (to: Side) =>
      rowsOf(otherSide[to]).flatMap((owner) =>
        rowsOf(to).map((target) => `${told(owner)} → ${told(target)}: ${planned(owner, target, to)}`),
      );
    const forward = table('service');
    expect(forward).toHaveLength(11 * 11);
    expect(table('monolith')).toEqual(forward);
    expect([...new Set(forward)].join('\n')).toMatchInlineSnapshot(`
      "absent → absent: STAGE_WRONG
      absent → open: STAGE_WRONG
      absent → closing live: STAGE_WRONG
      absent → closing lapsed: STAGE_WRONG
      absent → closed at 4: STAGE_WRONG
      absent → closed at 5: STAGE_WRONG
      open → absent: STAGE_WRONG
      open → open: nothing
      open → closing live: whole from gates
      open → closing lapsed: nothing
      open → closed at 4: whole from gates
      open → closed at 5: whole from gates
      closing live → absent: STAGE_WRONG
      closing live → open: nothing
      closing live → closing live: STAGE_WRONG
      closing live → closing lapsed: nothing
      closing live → closed at 4: STAGE_WRONG
      closing live → closed at 5: STAGE_WRONG
      closing lapsed → absent: STAGE_WRONG
      closing lapsed → open: nothing
      closing lapsed → closing live: whole from gates
      closing lapsed → closing lapsed: nothing
      closing lapsed → closed at 4: whole from gates
      closing lapsed → closed at 5: whole from gates
      closed at 4 → absent: STAGE_WRONG
      closed at 4 → open: nothing
      closed at 4 → closing live: STAGE_WRONG
      closed at 4 → closing lapsed: nothing
      closed at 4 → closed at 4: STAGE_WRONG
      closed at 4 → closed at 5: STAGE_WRONG
      closed at 5 → absent: STAGE_WRONG
      closed at 5 → open: nothing
      closed at 5 → closing live: STAGE_WRONG
      closed at 5 → closing lapsed: nothing
      closed at 5 → closed at 4: finish from open
      closed at 5 → closed at 5: STAGE_WRONG"
    `);
  });

  it('names the epoch of the owner, and of an earlier decision', () => {
    expect(
      planSwitch(
        { monolith: row('monolith', 'open', 7, null), service: row('service', 'closed', 6, null) },
        'service',
      ),
    ).toEqual({ kind: 'whole', first: 'gates', ownerEpoch: 7n });
    expect(
      planSwitch(
        { monolith: row('monolith', 'closed', 9, null), service: row('service', 'closed', 6, null) },
        'service',
      ),
    ).toEqual({ kind: 'finish', first: 'open', ownerEpoch: 9n, decided: 9n });
  });

  it('says what to do where nothing can begin', () => {
    const closing = row('monolith', 'closing', 7, 900);
    expect(() =>
      planSwitch({ monolith: closing, service: row('service', 'closed', 6, null) }, 'service'),
    ).toThrow(
      'STAGE_WRONG: The monolith is closing at epoch 7, the service closed at 6. Another switch is under way',
    );
    expect(() => planSwitch({ monolith: closing, service: undefined }, 'service')).toThrow(
      'STAGE_WRONG: The extraction has not been synced. Run `strangler sync` first.',
    );
  });
});
