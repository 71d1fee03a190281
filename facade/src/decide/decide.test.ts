import { type Epoch, epochOf } from '@strangler/ledger';
import { type Lsn, lsn } from '@strangler/postgres';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Decision, decide, type Question, type RouteAsked } from './decide.ts';
import type { View } from './view.ts';

const limits = {
  lagMs: 2_000,
  drainMs: 1_000,
  fenceMs: 2_000,
  holdMs: 6_000,
  holdRequests: 10,
  ownWriteMs: 50,
  lateMs: 300,
  walBytes: 1n,
};
const epoch = (n: number): Epoch => epochOf.parse(n);
const now = 10_000;

const routes: (RouteAsked | undefined)[] = [
  undefined,
  { kind: 'stateless' },
  { kind: 'read', name: 'get', limits },
  { kind: 'write', name: 'create', limits },
  { kind: 'reader', late: 'refuse', limits },
  { kind: 'reader', late: 'serve', limits },
];
const copies = [
  undefined,
  ...[100n, 200n].flatMap((applied) =>
    [true, false].flatMap((up) =>
      [0, 5_000].map((lagMs) => ({ applied: lsn(applied), up, lagMs, asOf: now })),
    ),
  ),
];
const holds = [
  undefined,
  { run: 'r', epoch: epoch(4), until: now + 1 },
  { run: 'r', epoch: epoch(3), until: now + 1 },
  { run: 'r', epoch: epoch(4), until: now },
];
const views: (View | undefined)[] = [undefined];
for (const owner of ['monolith', 'service'] as const)
  for (const stage of ['following', 'switched'] as const)
    for (const homes of [[], ['*'], ['get'], ['list']])
      for (const opensAt of [-Infinity, now, now + 1, Infinity])
        for (const hold of holds)
          for (const leaseUntil of [now, now + 1])
            for (const copy of copies)
              views.push({
                owner,
                stage,
                homes,
                opensAt,
                hold,
                leaseUntil,
                copy,
                isAlone: true,
                epoch: epoch(4),
                term: epoch(4),
              });
const tokens = [
  undefined,
  ...[1, 4, 7].map((term) => ({ side: 'monolith' as const, term: epoch(term), position: lsn(150n) })),
];

/** Every combination of what matters, a few hundred thousand. */
function* questions(): Generator<Question> {
  for (const route of routes)
    for (const view of views)
      for (const token of tokens)
        for (const flag of [true, false])
          for (const [nested, refreshed, waited] of [
            [false, false, false],
            [true, false, false],
            [false, true, false],
            [false, true, true],
            [false, false, true],
          ] as const)
            yield { route, view, token, flag, nested, refreshed, waited, now };
}

/** The design's table, row by row, as naively as it can be written. */
function oracle(q: Question): string {
  const { route, view, token } = q;
  if (!route) return 'monolith default';
  if (route.kind === 'stateless') return q.flag ? 'service flag' : 'monolith flag';
  if (!view) return 'refuse no-view';
  if (route.kind === 'write' && view.leaseUntil <= now) return 'refuse no-view';
  if (token && token.term > view.term) return q.refreshed ? 'refuse no-view' : 'refresh';
  const mustHave = token !== undefined && token.term === view.term;
  const has = !mustHave || (view.copy !== undefined && view.copy.applied >= token.position);
  const wait = q.waited ? undefined : 'await';
  if (route.kind === 'write') {
    const open = view.opensAt <= now;
    const superseded = view.opensAt === -Infinity && view.hold !== undefined && view.epoch > view.hold.epoch;
    const held = view.hold !== undefined && view.hold.until > now && !superseded;
    if (!open || (held && !q.nested)) return 'hold';
    return `${view.owner} owner`;
  }
  if (route.kind === 'reader') {
    if (view.owner === 'monolith' || has) return 'monolith reader';
    return wait ?? (route.late === 'serve' ? 'monolith late' : 'refuse late');
  }
  const home = view.homes.some((each) => each === '*' || each === route.name);
  const up = view.copy?.up === true;
  if (view.owner === 'service') {
    if (!home || !up) return 'service owner';
    return has ? 'monolith home' : (wait ?? 'service own-write');
  }
  if (!q.flag) return 'monolith flag';
  if (view.stage !== 'following') return 'monolith stage';
  if (!up || (view.copy?.lagMs ?? 0) > limits.lagMs) return 'monolith lag';
  if (home) return 'monolith home';
  return has ? 'service flag' : (wait ?? 'monolith own-write');
}

function name(decision: Decision): string {
  if (decision.kind === 'forward') return `${decision.target} ${decision.reason}`;
  return decision.kind === 'refuse' ? `refuse ${decision.reason}` : decision.kind;
}

describe('who answers', () => {
  test('agrees with the table in every small case', () => {
    let asked = 0;
    for (const question of questions()) {
      asked += 1;
      const answer = name(decide(question));
      if (answer !== oracle(question))
        expect({ question, answer }).toEqual({ question, answer: oracle(question) });
    }
    expect(asked).toBeGreaterThan(100_000);
  });

  test('exactly one owner accepts a write, and never while a hold or fence stands', () => {
    for (const question of questions()) {
      if (question.route?.kind !== 'write') continue;
      const answer = decide(question);
      if (answer.kind !== 'forward') continue;
      expect(answer.target).toBe(question.view?.owner);
      expect(question.view?.opensAt).toBeLessThanOrEqual(now);
      expect(question.view?.leaseUntil).toBeGreaterThan(now);
    }
  });

  test('switching a flag on never moves a client back to the monolith', () => {
    for (const question of questions()) {
      if (question.flag) continue;
      const before = decide(question);
      if (before.kind === 'forward' && before.target === 'service')
        expect(decide({ ...question, flag: true })).toEqual(before);
    }
  });

  const position = fc.bigInt({ min: 0n, max: 1_000n }).map((n): Lsn => lsn(n));
  const time = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  const number = fc.integer({ min: 0, max: 9 }).map(epoch);
  const side = fc.constantFrom('monolith' as const, 'service' as const);
  const view = fc.record({
    stage: fc.constantFrom('planned', 'copying', 'following', 'switched', 'completed', 'lost'),
    homes: fc.array(fc.constantFrom('*', 'get', 'list')),
    owner: side,
    epoch: number,
    term: number,
    opensAt: fc.oneof(time, fc.constantFrom(-Infinity, Infinity)),
    hold: fc.option(fc.record({ run: fc.string(), epoch: number, until: time }), { nil: undefined }),
    leaseUntil: time,
    isAlone: fc.boolean(),
    copy: fc.option(fc.record({ applied: position, up: fc.boolean(), lagMs: time, asOf: time }), {
      nil: undefined,
    }),
  });
  const question = fc.record({
    route: fc.constantFrom(...routes),
    view: fc.option(view, { nil: undefined }),
    now: time,
    flag: fc.boolean(),
    token: fc.option(fc.record({ side, term: number, position }), { nil: undefined }),
    nested: fc.boolean(),
    refreshed: fc.boolean(),
    waited: fc.boolean(),
  });

  test('is total and deterministic, and waiting always comes to an end', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const answer = decide(asked);
        expect(decide(asked)).toEqual(answer);
        const kind = decide({ ...asked, waited: true, refreshed: true }).kind;
        expect(['forward', 'refuse', 'hold']).toContain(kind);
        if (asked.route?.kind !== 'write') expect(kind).not.toBe('hold');
      }),
      { numRuns: 2_000 },
    );
  });

  test('invariant 8: a read never goes to a copy that lacks the write of this term', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const { view, token, route } = asked;
        const answer = decide(asked);
        if (!view || !token || !route || route.kind === 'write' || route.kind === 'stateless') return;
        if (answer.kind !== 'forward' || answer.target === view.owner || answer.reason === 'late') return;
        expect(token.term <= view.term).toBe(true);
        if (token.term === view.term) expect(view.copy?.applied).toBeGreaterThanOrEqual(token.position);
      }),
      { numRuns: 5_000 },
    );
  });
});
