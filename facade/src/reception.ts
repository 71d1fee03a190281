import type { IncomingMessage, ServerResponse } from 'node:http';
import { byDefault, type Decision, decide, type Forward } from './decide/decide.ts';
import { hasApplied, isHeld, type Token, type View } from './decide/view.ts';
import type { Desk } from './desk.ts';
import { refusal, sendAnswer, sendFailure, sendOwn } from './exchange/answer.ts';
import { cleanRequest } from './exchange/headers.ts';
import type { Upstream } from './exchange/upstream.ts';
import { passWrite } from './exchange/write.ts';
import type { Flags } from './flags/flags.ts';
import type { Match, MatchedRoute, OwnedRoute, Reader, Stateless } from './match/routes.ts';
import { everyFiftieth, type PlantedBug } from './planted-bug.ts';
import type { TokenCookie } from './tokens/cookie.ts';
import { later } from './tokens/token.ts';
import { type Asking, askingOf, clientOf, knownId, type Visit } from './visit.ts';

/** Counts what became of a request. */
export type Count = (route: MatchedRoute | undefined, decision: Decision) => void;

/** The parts that a request meets on its way. */
export interface Parts {
  readonly match: Match;
  readonly desks: ReadonlyMap<string, Desk>;
  readonly monolith: Upstream;
  readonly upstreamOf: (url: string) => Upstream;
  readonly flags: Flags;
  readonly tokenCookie: TokenCookie;
  readonly bug: PlantedBug | undefined;
  readonly count: Count;
}

/** Takes each request through match → decide → exchange → headers out. */
export class Reception {
  /** Set when the facade leaves: clients are told to take their next request elsewhere. */
  closing = false;
  readonly #parts: Parts;
  readonly #isStray = everyFiftieth();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  receive(request: IncomingMessage, response: ServerResponse): void {
    const route = this.#parts.match(request.method ?? '', request.url ?? '/');
    const owned =
      route === undefined || route.kind === 'stateless' ? undefined : this.#asking(request, route);
    if (!cleanRequest(request)) {
      const added = { target: undefined, reason: 'default', cookies: [], closing: true };
      sendOwn(response, 501, { error: 'transfer_coding', message: 'only chunked is understood' }, added);
      return;
    }
    if (owned) this.#settle({ ...owned, request, response });
    else if (route?.kind === 'stateless') this.#receiveStateless(request, response, route);
    else this.#passPlain(request, response, undefined, byDefault);
  }

  /** Where an upgrade goes now; undefined while that would need a wait. */
  upstreamFor(request: IncomingMessage): Upstream | undefined {
    const route = this.#parts.match(request.method ?? '', request.url ?? '/');
    if (route === undefined) return this.#parts.monolith;
    if (route.kind === 'stateless') {
      const client = clientOf(request, route.client);
      const on = client.id !== undefined && this.#parts.flags.isOn(route.flag, client.id);
      return on ? this.#parts.upstreamOf(route.service) : this.#parts.monolith;
    }
    const asking = this.#asking(request, route);
    const decision = this.#decide(asking);
    return decision.kind === 'forward' ? this.#upstream(asking.desk, decision.target) : undefined;
  }

  /** Where a request would go now; never waits. */
  #decide(visit: Asking): Decision {
    const { route, desk } = visit;
    const { view } = desk.watch;
    const flagged = route.kind === 'read' && view?.owner === 'monolith';
    const ignoresTokens = this.#parts.bug === 'read-before-applied';
    return decide({
      route,
      view,
      now: performance.now(),
      flag: flagged && this.#parts.flags.isOn(route.flag, knownId(visit.client)),
      token: ignoresTokens ? undefined : owedTo(visit),
      nested: visit.nested,
      refreshed: visit.refreshed,
      waited: visit.waited,
    });
  }

  #asking(request: IncomingMessage, route: OwnedRoute | Reader): Asking {
    const desk = this.#parts.desks.get(route.extraction);
    if (!desk) throw new Error(`no desk for ${route.extraction}`);
    return askingOf(request, route, desk, this.#parts.tokenCookie);
  }

  #settle(visit: Visit): void {
    const decision = this.#decide(visit);
    if (decision.kind === 'forward' && !mayHaveWrittenElsewhere(visit, decision) && !mayHaveMoved(visit))
      this.#forward(visit, decision);
    else this.#settleLater(visit, decision).catch((error: unknown) => visit.response.destroy(asError(error)));
  }

  /** Waits for what the decision needs, and decides again, until it is passed on or refused. */
  async #settleLater(visit: Visit, first: Decision): Promise<void> {
    const { desk } = visit;
    const begun = performance.now();
    let decision = first;
    while (decision.kind !== 'forward' || mayHaveWrittenElsewhere(visit, decision) || mayHaveMoved(visit)) {
      if (decision.kind === 'refuse') return this.#refuse(visit, decision);
      if (decision.kind === 'refresh' || mayHaveMoved(visit)) {
        await desk.watch.refresh();
        visit.refreshed = true;
      } else if (decision.kind === 'forward') visit.asOfNow = await desk.ownerNow();
      else if (decision.kind === 'await') {
        const how = await this.#waitForOwnWrite(visit, decision.boundMs - (performance.now() - begun));
        if (how === 'gone') return;
        visit.waited = how === 'late';
      } else {
        const how = await this.#hold(visit, begun);
        if (how === 'gone') return;
        if (how === 'late') return this.#refuse(visit, decision);
      }
      // Nobody waits for it any more: an abandoned write is not run (trap 56).
      if (visit.response.destroyed) return;
      decision = this.#decide(visit);
    }
    this.#forward(visit, decision);
  }

  async #waitForOwnWrite(visit: Visit, boundMs: number) {
    const { desk } = visit;
    const { watch } = desk;
    const owed = owedTo(visit);
    const before = watch.view;
    const isOver = () =>
      changedHands(before, watch.view) || (watch.view !== undefined && hasApplied(watch.view, owed));
    return await desk.behind.wait(visit.response, boundMs, isOver);
  }

  async #hold(visit: Visit, begun: number) {
    const { held, extraction } = visit.desk;
    if (held.size >= extraction.limits.holdRequests) return 'late';
    visit.desk.beginHold();
    const boundMs = extraction.limits.holdMs - (performance.now() - begun);
    const isOver = () => {
      const { kind } = this.#decide(visit);
      return kind === 'forward' || kind === 'refresh';
    };
    return await held.wait(visit.response, boundMs, isOver);
  }

  /** In the same tick as the decision: a hold that is obeyed after it finds this write counted. */
  #forward(visit: Visit, decision: Forward): void {
    const { request, response, route, desk, client } = visit;
    const { view } = desk.watch;
    if (route.kind !== 'write' || !view) {
      this.#passPlain(
        request,
        response,
        route,
        decision,
        this.#upstream(desk, decision.target),
        client.cookies,
      );
      return;
    }
    this.#parts.count(route, decision);
    const stray =
      this.#parts.bug === 'write-to-wrong-side' && decision.target === 'service' && this.#isStray();
    const upstream = stray ? this.#parts.monolith : this.#upstream(desk, decision.target);
    passWrite({
      visit,
      decision,
      term: view.term,
      upstream,
      tokenCookie: this.#parts.tokenCookie,
      closing: () => this.closing,
    });
  }

  #upstream(desk: Desk, target: Forward['target']): Upstream {
    return target === 'monolith' ? this.#parts.monolith : this.#parts.upstreamOf(desk.extraction.service.url);
  }

  #receiveStateless(request: IncomingMessage, response: ServerResponse, route: Stateless): void {
    const client = clientOf(request, route.client);
    const decision = decide({
      route,
      view: undefined,
      now: 0,
      flag: this.#parts.flags.isOn(route.flag, knownId(client)),
      token: undefined,
      nested: false,
      refreshed: false,
      waited: false,
    });
    if (decision.kind !== 'forward') throw new Error('a route without tables is always passed on');
    const upstream =
      decision.target === 'service' ? this.#parts.upstreamOf(route.service) : this.#parts.monolith;
    this.#passPlain(request, response, route, decision, upstream, client.cookies);
  }

  #passPlain(
    request: IncomingMessage,
    response: ServerResponse,
    route: MatchedRoute | undefined,
    decision: Forward,
    upstream = this.#parts.monolith,
    cookies: readonly string[] = [],
  ): void {
    this.#parts.count(route, decision);
    const { target, reason } = decision;
    let answered = false;
    upstream.pass(request, response, {
      answered: (answer) => {
        answered = true;
        sendAnswer(answer, response, { target, reason, cookies, closing: this.closing });
      },
      failed: (error) => {
        if (!answered) sendFailure(response, error, { target, reason, cookies, closing: this.closing });
      },
    });
  }

  #refuse(visit: Visit, decision: Extract<Decision, { kind: 'hold' | 'refuse' }>): void {
    this.#parts.count(visit.route, decision);
    const added = { target: undefined, reason: decision.reason, cookies: [], closing: this.closing };
    sendOwn(visit.response, 503, refusal(decision), added);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** What the client is owed, or might be: the later of the two. */
function owedTo({ desk, client, owedByCookie, asOfNow }: Asking): Token | undefined {
  return later(desk.owed(client.id, owedByCookie?.get(desk.extraction.name)), asOfNow);
}

/** A copy would answer a client whose last write another facade may have taken, without a cookie that tells of it. */
function mayHaveWrittenElsewhere(visit: Asking, decision: Forward): boolean {
  const { view } = visit.desk.watch;
  if (!view || view.isAlone || visit.hasCookie || visit.asOfNow || visit.route.kind === 'write') return false;
  return decision.target !== view.owner && decision.reason !== 'late';
}

/**
 * Ownership is moving, or the view is too old to know: another facade may already have passed on a write of this client
 * to an owner that we have not seen yet.
 */
function mayHaveMoved(visit: Asking): boolean {
  const { view } = visit.desk.watch;
  if (!view || view.isAlone || visit.hasCookie || visit.refreshed || visit.route.kind === 'write')
    return false;
  const now = performance.now();
  return view.opensAt !== -Infinity || isHeld(view, now) || now >= view.leaseUntil;
}

function changedHands(before: View | undefined, after: View | undefined): boolean {
  return before?.owner !== after?.owner || before?.term !== after?.term;
}
