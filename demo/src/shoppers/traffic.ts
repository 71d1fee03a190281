/** Who answered a route during a step. */
export interface TrafficRow {
  step: string;
  route: string;
  monolith: number;
  service: number;
}

/** A request that should not have ended as it did. */
export interface Failure {
  step: string;
  route: string;
  status: number;
  said: string;
}

/** Counts what the shoppers see: answers by step, route and side; failures; times. */
export class Traffic {
  /** The step of the walk that is under way. */
  step = 'start';
  requests = 0;
  refused = 0;
  failed = 0;
  /** The first failures, for a person to look at. */
  readonly failures: Failure[] = [];
  readonly stale: string[] = [];
  readonly #rows = new Map<string, TrafficRow>();
  readonly #onFailure: (failure: Failure) => void;
  #recentMs: number[] = [];

  /** @param onFailure hears of every failure, also of those that aren't kept */
  constructor(onFailure: (failure: Failure) => void = () => {}) {
    this.#onFailure = onFailure;
  }

  answered(step: string, route: string, target: string | undefined, tookMs: number): void {
    this.requests += 1;
    this.#recentMs.push(tookMs);
    if (this.#recentMs.length > 500) this.#recentMs.shift();
    if (target !== 'monolith' && target !== 'service') return;
    const key = `${step}\n${route}`;
    const row = this.#rows.get(key) ?? { step, route, monolith: 0, service: 0 };
    row[target] += 1;
    this.#rows.set(key, row);
  }

  fail(failure: Failure): void {
    this.failed += 1;
    this.#onFailure(failure);
    if (this.failures.length < 50) this.failures.push(failure);
  }

  rows(): TrafficRow[] {
    return [...this.#rows.values()];
  }

  /** The share of answers that the service gave during a step on some routes, from 0 to 1. */
  serviceShare(step: string, routes: readonly string[]): number {
    const rows = this.rows().filter((row) => row.step === step && routes.includes(row.route));
    const service = rows.reduce((sum, row) => sum + row.service, 0);
    const all = rows.reduce((sum, row) => sum + row.service + row.monolith, 0);
    return all === 0 ? 0 : service / all;
  }

  /** Of the last 500 answers, in milliseconds. */
  percentileMs(share: number): number {
    const sorted = this.#recentMs.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }
}
