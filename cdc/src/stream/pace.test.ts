import { lsn } from '@strangler/postgres';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LagMeter } from './lag.ts';
import { Pace } from './pace.ts';
import { budgetShare } from './wal-budget.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('lag', () => {
  test('counts from when the source was first seen beyond what is applied', () => {
    const meter = new LagMeter();
    meter.sample(lsn(100n));
    vi.advanceTimersByTime(500);
    meter.sample(lsn(200n));
    vi.advanceTimersByTime(300);
    expect(meter.lag(lsn(50n))).toEqual({ bytes: 150n, ms: 800 });
    expect(meter.lag(lsn(100n))).toEqual({ bytes: 100n, ms: 300 });
    expect(meter.lag(lsn(200n))).toEqual({ bytes: 0n, ms: 0 });
  });

  test('a stream that starts late is as late as its checkpoint', () => {
    const meter = new LagMeter();
    meter.sample(lsn(100n), 60_000);
    expect(meter.lag(lsn(99n)).ms).toBe(60_000);
  });

  test('a transaction is at least as late as its commit says', () => {
    const meter = new LagMeter();
    meter.sample(lsn(10n));
    expect(meter.lag(lsn(10n), { timeMs: 1_000, sourceNowMs: 1_250 }).ms).toBe(250);
    expect(meter.lag(lsn(10n), { timeMs: 2_000, sourceNowMs: 1_250 }).ms).toBe(0);
  });

  test('hours of standing still need bounded memory and keep the oldest sight', () => {
    const meter = new LagMeter();
    for (let at = 1n; at <= 20_000n; at += 1n) {
      meter.sample(lsn(at));
      vi.advanceTimersByTime(250);
    }
    expect(meter.lag(lsn(0n)).ms).toBe(5_000_000);
  });
});

describe('the pace', () => {
  test('is quick after data, slow without, slowest where the source does not own', () => {
    let state: 'open' | 'closed' = 'open';
    const pace = new Pace(() => state);
    expect(pace.everyMs()).toBe(100);
    pace.wrote(true);
    expect([pace.everyMs(), pace.dueInMs(true), pace.dueInMs(false)]).toEqual([25, 25, 400]);
    vi.advanceTimersByTime(2_000);
    expect([pace.everyMs(), pace.dueInMs(true)]).toEqual([100, -1_900]);
    state = 'closed';
    expect(pace.everyMs()).toBe(250);
  });
});

test('the WAL budget is told at 50, 75 and 90 percent, and over at 100', () => {
  const shares = [0n, 49n, 50n, 74n, 75n, 89n, 90n, 99n, 100n, 900n].map((kept) => budgetShare(kept, 100n));
  expect(shares).toEqual([0, 0, 50, 50, 75, 75, 90, 90, 100, 100]);
});
