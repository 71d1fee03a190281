import { Counter, Gauge, Registry } from 'prom-client';
import type { Decision } from './decide/decide.ts';
import { lagOf } from './decide/view.ts';
import type { Desk } from './desk.ts';
import type { MatchedRoute } from './match/routes.ts';
import type { Count } from './reception.ts';

/** What the admin port serves under /metrics. */
export interface Metrics {
  readonly count: Count;
  text(): Promise<string>;
}

/** Metrics of one facade. Counting looks up one object by identity; everything else is read when it is asked for. */
export function createMetrics(desks: ReadonlyMap<string, Desk>): Metrics {
  const registry = new Registry();
  const requests = new Counter({
    name: 'strangler_requests_total',
    help: 'requests by route, who answered (none: refused) and why',
    labelNames: ['route', 'target', 'reason'],
    registers: [registry],
  });
  perExtraction(registry, desks, 'held', 'writes on hold', (desk) => desk.held.size);
  perExtraction(registry, desks, 'in_flight', 'writes passed on and not answered', (desk) => desk.inFlight);
  perExtraction(registry, desks, 'lag_ms', 'how far the copy is behind', (desk) => {
    const copy = desk.watch.view?.copy;
    return copy && lagOf(copy, performance.now());
  });
  perExtraction(
    registry,
    desks,
    'view_age_ms',
    'age of what the facade knows of the ledger',
    (desk) => desk.watch.view && performance.now() - desk.watch.seenAt,
  );
  const known = new Map<MatchedRoute | undefined, Map<Decision, Counter.Internal>>();
  const counterOf = (route: MatchedRoute | undefined, decision: Decision) => {
    const target = decision.kind === 'forward' ? decision.target : 'none';
    const reason = 'reason' in decision ? decision.reason : decision.kind;
    return requests.labels({ route: labelOf(route), target, reason });
  };
  return {
    count(route, decision) {
      let counters = known.get(route);
      if (!counters) {
        counters = new Map();
        known.set(route, counters);
      }
      let counter = counters.get(decision);
      if (!counter) {
        counter = counterOf(route, decision);
        counters.set(decision, counter);
      }
      counter.inc();
    },
    text: () => registry.metrics(),
  };
}

function labelOf(route: MatchedRoute | undefined): string {
  if (!route) return 'default';
  return route.kind === 'stateless' ? route.name : `${route.extraction}.${route.name}`;
}

function perExtraction(
  registry: Registry,
  desks: ReadonlyMap<string, Desk>,
  name: string,
  help: string,
  read: (desk: Desk) => number | undefined,
): void {
  new Gauge({
    name: `strangler_${name}`,
    help,
    labelNames: ['extraction'],
    registers: [registry],
    collect() {
      for (const [extraction, desk] of desks) {
        const value = read(desk);
        if (value === undefined) this.remove({ extraction });
        else this.set({ extraction }, value);
      }
    },
  });
}
