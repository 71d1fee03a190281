import {
  type Checkpoint,
  type Epoch,
  epochOf,
  type HomeView,
  type Ownership,
  type ServiceView,
} from '@strangler/ledger';
import type { Copy, RunHold, View } from '../decide/view.ts';

/** What was read from one database, and when by the facade's monotonic clock (ms). */
export interface Reading<T> {
  readonly value: T;
  /** Before the read was sent: the lease counts from here. */
  readonly askedAt: number;
  /** After it was answered: what is left of a deadline counts from here, so that we never think it over too early. */
  readonly answeredAt: number;
}

const first: Epoch = epochOf.parse(1);

/**
 * One view from what the two databases said, each with a lease of its own. Undefined while it is not known who owns:
 * the service's word is needed only when the monolith's row says that it no longer owns.
 */
export function combine(
  home: Reading<HomeView> | undefined,
  service: Reading<ServiceView> | undefined,
  leaseMs: number,
): View | undefined {
  if (!home) return undefined;
  const { stage, homes, otherFacades } = home.value;
  const shared = { stage, homes, hold: holdOf(home), isAlone: otherFacades === 0 };
  const homeLease = home.askedAt + leaseMs;
  const monolith = home.value.ownership;
  if (!monolith) {
    // Never synced: nothing is fenced, and the monolith will begin at epoch 1.
    return {
      ...shared,
      owner: 'monolith',
      epoch: first,
      term: first,
      opensAt: -Infinity,
      leaseUntil: homeLease,
      copy: undefined,
    };
  }
  const owner = ownerOfTwo(monolith, service?.value.ownership);
  if (owner === monolith && monolith.state === 'closed' && !service) return undefined;
  const { side, epoch, term } = owner;
  const answeredAt = side === 'monolith' ? home.answeredAt : (service?.answeredAt ?? home.answeredAt);
  const copy =
    side === 'monolith'
      ? service && copyOf(service.value.forward, service)
      : copyOf(home.value.reverse, home);
  const serviceLease = side === 'service' && service ? service.askedAt + leaseMs : Number.POSITIVE_INFINITY;
  return {
    ...shared,
    owner: side,
    epoch,
    term,
    opensAt: opensAt(owner, answeredAt),
    leaseUntil: Math.min(homeLease, serviceLease),
    copy,
  };
}

/** The one that is not closed; while both are, the higher epoch: it has decided, and has every row until the other opens. */
function ownerOfTwo(monolith: Ownership, service: Ownership | undefined): Ownership {
  if (!service) return monolith;
  const closed = [monolith, service].filter((row) => row.state === 'closed').length;
  if (closed === 1) return monolith.state === 'closed' ? service : monolith;
  return monolith.epoch >= service.epoch ? monolith : service;
}

function opensAt(row: Ownership, answeredAt: number): number {
  if (row.state === 'open') return -Infinity;
  return row.state === 'closed' ? Infinity : answeredAt + (row.remainingMs ?? 0);
}

function holdOf({ value, answeredAt }: Reading<HomeView>): RunHold | undefined {
  return (
    value.hold && { run: value.hold.run, epoch: value.hold.epoch, until: answeredAt + value.hold.remainingMs }
  );
}

function copyOf(checkpoint: Checkpoint | undefined, { askedAt }: Reading<unknown>): Copy | undefined {
  if (!checkpoint) return undefined;
  const { applied, stopped, holder, lagMs, ageMs } = checkpoint;
  return { applied, up: stopped === null && holder !== null, lagMs, asOf: askedAt - ageMs };
}
