import type { Late, Limits } from '@strangler/config';
import type { Side } from '@strangler/ledger';
import type { Lsn } from '@strangler/postgres';
import { hasApplied, isHeld, lagOf, type Token, type View } from './view.ts';

/** Why a request goes where it goes; the design's table "who answers" has exactly these. */
export type Reason =
  | 'default'
  | 'flag'
  | 'home'
  | 'no-view'
  | 'hold'
  | 'owner'
  | 'stage'
  | 'lag'
  | 'own-write'
  | 'reader'
  | 'late';

export interface Forward {
  readonly kind: 'forward';
  readonly target: Side;
  readonly reason: Reason;
}

export type Decision =
  | Forward
  | { readonly kind: 'hold'; readonly reason: 'hold' }
  | { readonly kind: 'refuse'; readonly reason: 'no-view' | 'late' }
  /** Read the ledger again, then ask again. */
  | { readonly kind: 'refresh' }
  /** Wait until the copy has applied the position, at most so long, then ask again. */
  | { readonly kind: 'await'; readonly position: Lsn; readonly boundMs: number };

/** What is known about a request when it is decided. */
export interface Question {
  readonly route: RouteAsked | undefined;
  /** Undefined: the facade has not read the ledgers yet. */
  readonly view: View | undefined;
  /** By the monotonic clock that the view's times are of. */
  readonly now: number;
  /** Whether the route's flag is on for this client. */
  readonly flag: boolean;
  readonly token: Token | undefined;
  /** An in-flight write makes this one. */
  readonly nested: boolean;
  /** The ledger was read again because of this request. */
  readonly refreshed: boolean;
  /** This request has waited for its token as long as it may. */
  readonly waited: boolean;
}

export type RouteAsked =
  | { readonly kind: 'read' | 'write'; readonly name: string; readonly limits: Limits }
  | { readonly kind: 'reader'; readonly late: Late; readonly limits: Limits }
  | { readonly kind: 'stateless' };

const forward = (target: Side, reason: Reason): Forward => Object.freeze({ kind: 'forward', target, reason });
// One object per answer: a decision allocates nothing, and metrics count by identity.
const toMonolith = {
  default: forward('monolith', 'default'),
  flag: forward('monolith', 'flag'),
  home: forward('monolith', 'home'),
  owner: forward('monolith', 'owner'),
  stage: forward('monolith', 'stage'),
  lag: forward('monolith', 'lag'),
  ownWrite: forward('monolith', 'own-write'),
  reader: forward('monolith', 'reader'),
  late: forward('monolith', 'late'),
};
const toService = {
  flag: forward('service', 'flag'),
  owner: forward('service', 'owner'),
  ownWrite: forward('service', 'own-write'),
};
/** The answer for whatever no route matches. */
export const byDefault = toMonolith.default;
const hold: Decision = Object.freeze({ kind: 'hold', reason: 'hold' });
const noView: Decision = Object.freeze({ kind: 'refuse', reason: 'no-view' });
const late: Decision = Object.freeze({ kind: 'refuse', reason: 'late' });
const refresh: Decision = Object.freeze({ kind: 'refresh' });

/** The design's table "who answers": total, deterministic, first match wins. */
export function decide(question: Question): Decision {
  const { route, view, now, flag, token } = question;
  if (!route) return toMonolith.default;
  if (route.kind === 'stateless') return flag ? toService.flag : toMonolith.flag;
  if (!view || (route.kind === 'write' && now >= view.leaseUntil)) return noView;
  if (token && token.term > view.term) return question.refreshed ? noView : refresh;
  if (route.kind === 'write') return decideWrite(view, now, question.nested);
  if (route.kind === 'reader') return decideReader(view, route, question);
  const sentHome = view.homes.includes('*') || view.homes.includes(route.name);
  return view.owner === 'service'
    ? decideReadOfService(view, route.limits, sentHome, question)
    : decideReadOfMonolith(view, route.limits, sentHome, question);
}

function decideWrite(view: View, now: number, nested: boolean): Decision {
  if (now < view.opensAt || (isHeld(view, now) && !nested)) return hold;
  return view.owner === 'service' ? toService.owner : toMonolith.owner;
}

function decideReadOfService(view: View, limits: Limits, sentHome: boolean, question: Question): Decision {
  if (!sentHome || !view.copy?.up) return toService.owner;
  if (hasApplied(view, question.token)) return toMonolith.home;
  return waitFor(question, limits.ownWriteMs) ?? toService.ownWrite;
}

function decideReadOfMonolith(view: View, limits: Limits, sentHome: boolean, question: Question): Decision {
  if (!question.flag) return toMonolith.flag;
  if (view.stage !== 'following') return toMonolith.stage;
  if (!view.copy?.up || lagOf(view.copy, question.now) > limits.lagMs) return toMonolith.lag;
  if (sentHome) return toMonolith.home;
  if (hasApplied(view, question.token)) return toService.flag;
  return waitFor(question, limits.ownWriteMs) ?? toMonolith.ownWrite;
}

function decideReader(view: View, route: { late: Late; limits: Limits }, question: Question): Decision {
  if (view.owner === 'monolith' || hasApplied(view, question.token)) return toMonolith.reader;
  return waitFor(question, route.limits.lateMs) ?? (route.late === 'serve' ? toMonolith.late : late);
}

function waitFor(question: Question, boundMs: number): Decision | undefined {
  if (question.waited || !question.token) return undefined;
  return { kind: 'await', position: question.token.position, boundMs };
}
