import type { Limits } from '@strangler/config';
import type { Observed } from './observe.ts';

/** A precondition of the switch, and what it says now. */
export interface Gate {
  readonly name: GateName;
  readonly level: 'ok' | 'note' | 'closed';
  readonly fact: string;
  readonly remedy: string;
}

export const gateNames = [
  'stream',
  'opposite-stream',
  'lag',
  'fence',
  'tables',
  'prepared',
  'subscription',
  'violations',
  'verified',
  'facades',
  'cascades',
  'standby',
] as const;
export type GateName = (typeof gateNames)[number];

/**
 * Gates that a person may pass with a reason; the others protect data. Without the stream back a switch works, but is
 * for good: whoever owns afterwards feeds nobody.
 */
export const acceptable: ReadonlySet<GateName> = new Set([
  'opposite-stream',
  'verified',
  'facades',
  'lag',
  'violations',
]);

/** A verification is fresh this long. */
export const verifiedMs = 24 * 3_600_000;

/** A sink that has not written for this long is not up. */
const upMs = 3_000;

/** Judges what was observed. Pure. */
export function gates(observed: Observed, limits: Limits, name: string): Gate[] {
  const { carrying, opposite, verified } = observed;
  const lagMs = carrying ? carrying.lagMs + carrying.ageMs : Number.POSITIVE_INFINITY;
  const live = observed.facades.filter((facade) => !facade.expired);
  return [
    gate(
      'stream',
      isUp(carrying),
      `the stream towards the ${observed.to} ${streamState(carrying)}`,
      'Start `strangler serve cdc`, or see its log.',
    ),
    gate(
      'opposite-stream',
      isUp(opposite),
      `the stream back ${streamState(opposite)}`,
      'Start `strangler serve cdc`, or see its log.',
    ),
    gate(
      'lag',
      lagMs <= limits.lagMs,
      carrying
        ? `the ${observed.to}'s copy is ${Math.round(lagMs)} ms behind, limit ${limits.lagMs} ms`
        : `how far the ${observed.to}'s copy is behind is not known`,
      'Wait until it has caught up.',
    ),
    gate(
      'fence',
      observed.unfenced.length === 0,
      listed('tables without a fence', observed.unfenced),
      `Run \`strangler sync ${name}\` again: it installs what is missing.`,
    ),
    gate(
      'tables',
      observed.unfollowed.length === 0,
      listed(
        'tables that the config names and the streams do not carry, or the reverse',
        observed.unfollowed,
      ),
      `Put the config back, or run \`strangler cancel ${name}\` and \`strangler sync ${name}\`.`,
    ),
    gate(
      'prepared',
      observed.prepared.length === 0,
      listed('prepared transactions', observed.prepared),
      'COMMIT PREPARED or ROLLBACK PREPARED them.',
    ),
    gate(
      'subscription',
      observed.subscribed.length === 0,
      listed('tables written by a native subscription, which no fence stops', observed.subscribed),
      'Drop the tables from it.',
    ),
    gate(
      'violations',
      observed.violations === 0,
      `${observed.violations} rows got past the fence`,
      'Look at strangler.violation, bring the rows over by hand, and set resolved_at.',
    ),
    gate(
      'verified',
      verified?.verdict === 'equal' && verified.ageMs <= verifiedMs,
      verified
        ? `the last verification said ${verified.verdict}, ${Math.round(verified.ageMs / 1000)} s ago`
        : 'not verified since the last sync or switch',
      `Run \`strangler verify ${name}\`.`,
    ),
    gate(
      'facades',
      live.length > 0,
      `${live.length} facades are up`,
      'Start a facade, or accept the gate if nothing routes to this extraction.',
    ),
    note(
      'cascades',
      observed.cascades.length > 0,
      listed('deletes there will be refused, because they cascade into the tables', observed.cascades),
      'Drop the foreign key, and delete through the owner.',
    ),
    note(
      'standby',
      observed.standbys === '',
      observed.standbys === ''
        ? 'no synchronous standby: a standby promoted without the decision forgets it'
        : `synchronous standbys: ${observed.standbys}`,
      'Name one in synchronous_standby_names if you fail over.',
    ),
  ];
}

function isUp(checkpoint: Observed['carrying']): boolean {
  return (
    checkpoint !== undefined &&
    checkpoint.stopped === null &&
    checkpoint.holder !== null &&
    checkpoint.ageMs < upMs
  );
}

function streamState(checkpoint: Observed['carrying']): string {
  if (!checkpoint) return 'does not exist';
  if (checkpoint.stopped !== null) return `stands still: ${checkpoint.stopped.replace(/\.$/, '')}`;
  return isUp(checkpoint) ? 'is up' : `is not up: its sink wrote last ${Math.round(checkpoint.ageMs)} ms ago`;
}

function gate(name: GateName, open: boolean, fact: string, remedy: string): Gate {
  return { name, level: open ? 'ok' : 'closed', fact, remedy };
}

function note(name: GateName, noteworthy: boolean, fact: string, remedy: string): Gate {
  return { name, level: noteworthy ? 'note' : 'ok', fact, remedy };
}

function listed(what: string, list: readonly string[]): string {
  return list.length === 0 ? `${what}: none` : `${what}: ${list.join(', ')}`;
}
