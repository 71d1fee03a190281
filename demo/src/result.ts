import type { TrafficRow } from './shoppers/traffic.ts';

export interface StepResult {
  name: string;
  outcome: string;
  durationMs: number;
}

export interface SwitchFigures {
  direction: 'forward' | 'reverse';
  /** First hold to last release. */
  pauseMs: number;
  heldRequests: number;
  /** Acknowledged in the five seconds before and after, the pause apart: the lower of the two. */
  ordersPerSecond: number;
}

/** What `npm run demo -- --json` ends with. */
export interface DemoResult {
  ok: boolean;
  durationMs: number;
  requests: number;
  failedRequests: number;
  refusedRequests: number;
  unknownWrites: number;
  acknowledgedWrites: number;
  lostWrites: number;
  duplicatedWrites: number;
  staleReads: number;
  steps: StepResult[];
  switches: SwitchFigures[];
  verify: { table: string; rows: number; differences: number }[];
  traffic: TrafficRow[];
}

/** What the run has to show, besides losing nothing. */
export interface Bars {
  pauseMsMax: number;
  ordersPerSecondMin: number;
  serviceShareMin: number;
  /** Requests may fail and writes end unknown: a part was killed. */
  failuresAllowed: boolean;
}

/** Everything that keeps a run from being good; each a sentence for a person. Pure. */
export function problems(
  result: Omit<DemoResult, 'ok'>,
  more: { imbalances: number; serviceShare: number | undefined },
  bars: Bars,
): string[] {
  const found: string[] = [];
  const none = (count: number, what: string) => {
    if (count > 0) found.push(`${count} ${what}`);
  };
  for (const step of result.steps) if (step.outcome !== 'done') found.push(`${step.name}: ${step.outcome}`);
  if (!bars.failuresAllowed) {
    none(result.failedRequests, 'failed requests');
    none(result.unknownWrites, 'writes of unknown fate');
  }
  none(result.lostWrites, 'lost writes');
  none(result.duplicatedWrites, 'duplicated writes');
  none(result.staleReads, 'stale reads');
  none(more.imbalances, 'imbalances of stock or money');
  none(
    result.verify.reduce((sum, table) => sum + table.differences, 0),
    'rows that differ between the sides',
  );
  if (result.verify.length === 0) found.push('no verification at the end');
  if (result.switches.length !== 3) found.push(`${result.switches.length} of 3 switches`);
  for (const { direction, pauseMs, ordersPerSecond } of result.switches) {
    if (pauseMs >= bars.pauseMsMax)
      found.push(`a ${direction} switch paused writes for ${Math.round(pauseMs)} ms`);
    if (ordersPerSecond < bars.ordersPerSecondMin)
      found.push(`only ${ordersPerSecond} orders a second around a ${direction} switch`);
  }
  if (more.serviceShare !== undefined && more.serviceShare < bars.serviceShareMin) {
    found.push(
      `at reads 100 % only ${Math.round(more.serviceShare * 100)} % of the answers came from the service`,
    );
  }
  return found;
}
