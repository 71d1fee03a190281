import type { Config, Extraction } from '@strangler/config';
import { messageOf, StranglerError } from '@strangler/errors';
import {
  checkEnvironment,
  type Epoch,
  type HomeView,
  type Notice,
  notifyLedger,
  type Ownership,
  readHomeView,
  readServiceView,
  reportFacade,
  type ServiceView,
  type Side,
} from '@strangler/ledger';
import type { Lsn, Sql } from '@strangler/postgres';
import { isHeld, type View } from '../decide/view.ts';
import type { Log } from '../log.ts';
import { combine, type Reading } from './combine.ts';
import { Rounds } from './rounds.ts';

/** How long the facade trusts what it read. */
export const leaseMs = 2_000;
/** The floor; notifications come at once. Tighter while a run asks for a hold. */
const everyMs = 400;
const holdingEveryMs = 100;
const deadlineMs = 1_000;

/** What the facade has to say about an extraction in its report. */
export interface Traffic {
  readonly inFlight: number;
  /** Requests held in the hold that is obeyed, or was obeyed last. */
  readonly held: number;
}

interface WatchOptions {
  readonly id: string;
  readonly config: Config;
  readonly extraction: Extraction;
  readonly home: Sql;
  readonly service: Sql;
  readonly traffic: () => Traffic;
  readonly log: Log;
}

/** Keeps the view of one extraction, and says in the ledger what this facade obeys. */
export class Watch {
  view: View | undefined;
  /** When the last round of the ledger's home succeeded, by the monotonic clock; for metrics. */
  seenAt = 0;
  readonly #options: WatchOptions;
  readonly #listeners = new Set<() => void>();
  readonly #rounds: { home: Rounds; service: Rounds };
  readonly #checked = new Set<Side>();
  readonly #failing = new Set<Side>();
  #home: Reading<HomeView> | undefined;
  #service: Reading<ServiceView> | undefined;
  #noticed: { direction: 'forward' | 'reverse'; applied: Lsn; lagMs: number; at: number } | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    const rounds = (side: Side, round: (isCurrent: () => boolean) => Promise<void>) =>
      new Rounds({
        round: (isCurrent) => this.#attempt(side, () => round(isCurrent)),
        everyMs: () => (this.view?.hold ? holdingEveryMs : everyMs),
        deadlineMs,
      });
    this.#rounds = {
      home: rounds('monolith', (isCurrent) => this.#readHome(isCurrent)),
      service: rounds('service', (isCurrent) => this.#readService(isCurrent)),
    };
  }

  start(): void {
    this.#rounds.home.start();
    this.#rounds.service.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#rounds.home.stop(), this.#rounds.service.stop()]);
  }

  /** Reads both ledgers again; never rejects. */
  async refresh(): Promise<void> {
    await Promise.all([this.#rounds.home.now(), this.#rounds.service.now()]);
  }

  /** Says at once what this facade obeys and what is in flight, as when the last write has drained. */
  reportNow(): void {
    void this.#rounds.home.now();
  }

  /** Calls back after each change of the view and each round, so that time limits are looked at. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What a database told us. Positions are taken from it if the sink itself said so, everything else is read. */
  noticed(notice: Notice, from: number): void {
    if (notice.kind !== 'applied' || from !== this.#sinkOf(notice.direction)) {
      void this.refresh();
      return;
    }
    const { direction, applied, lagMs } = notice;
    this.#noticed = { direction, applied, lagMs, at: performance.now() };
    this.#changed();
  }

  #sinkOf(direction: 'forward' | 'reverse'): number | null | undefined {
    return direction === 'forward' ? this.#service?.value.forward?.pid : this.#home?.value.reverse?.pid;
  }

  async #readHome(isCurrent: () => boolean): Promise<void> {
    const { home, extraction } = this.#options;
    const isNew = this.view === undefined;
    // The lease counts from before the report: whoever waits for its end in the ledger waits longer than we act.
    const askedAt = performance.now();
    const reported = await this.#report();
    const value = await readHomeView(home, extraction.name, this.#options.id);
    if (!isCurrent() || isOlder(value.ownership, this.#home?.value.ownership)) return;
    this.#home = { value, askedAt, answeredAt: performance.now() };
    this.seenAt = askedAt;
    this.#changed();
    if (this.#obeys() !== reported) await this.#report();
    // Other facades need to know from the first on that clients may have written here.
    if (isNew && this.view && value.stage !== 'planned') await notifyLedger(home, extraction.name);
  }

  async #readService(isCurrent: () => boolean): Promise<void> {
    const askedAt = performance.now();
    const value = await readServiceView(this.#options.service, this.#options.extraction.name);
    if (!isCurrent() || isOlder(value.ownership, this.#service?.value.ownership)) return;
    this.#service = { value, askedAt, answeredAt: performance.now() };
    this.#changed();
  }

  /** Every write decided from now on obeys the view: decisions and the count of what is in flight share one tick. */
  async #report(): Promise<string> {
    const { id, extraction, home, traffic } = this.#options;
    const { view } = this;
    const obeys = this.#obeys();
    if (!view) return obeys;
    await reportFacade(home, {
      id,
      extraction: extraction.name,
      epoch: view.epoch,
      hold: heldRun(view),
      ...traffic(),
      leaseMs,
    }).catch((error: unknown) => {
      if (view.stage !== 'planned' || !isMissing(error)) throw error;
    });
    return obeys;
  }

  #obeys(): string {
    const { inFlight } = this.#options.traffic();
    return this.view ? `${this.view.epoch} ${heldRun(this.view)} ${inFlight === 0}` : '';
  }

  #changed(): void {
    this.view = this.#withNotice(combine(this.#home, this.#service, leaseMs));
    for (const listener of this.#listeners) listener();
  }

  /** A position told after the last reading was asked for is news; one told before it is not. */
  #withNotice(view: View | undefined): View | undefined {
    const noticed = this.#noticed;
    if (!view?.copy || !noticed) return view;
    const direction = view.owner === 'monolith' ? 'forward' : 'reverse';
    const reading = direction === 'forward' ? this.#service : this.#home;
    if (noticed.direction !== direction || !reading || noticed.at < reading.askedAt) return view;
    if (noticed.applied < view.copy.applied) return view;
    return {
      ...view,
      copy: { ...view.copy, applied: noticed.applied, lagMs: noticed.lagMs, asOf: noticed.at },
    };
  }

  async #attempt(side: Side, round: () => Promise<void>): Promise<void> {
    const { log, extraction } = this.#options;
    try {
      await this.#check(side);
      await round();
      if (this.#failing.delete(side))
        log.info({ extraction: extraction.name, side }, 'the ledger answers again');
    } catch (error) {
      if (!this.#failing.has(side))
        log.warn({ extraction: extraction.name, side }, `the ledger cannot be read: ${messageOf(error)}`);
      this.#failing.add(side);
      this.#changed();
    }
  }

  /** A restored copy or swapped databases grant nothing; a ledger that was not made yet says that nothing has moved. */
  async #check(side: Side): Promise<void> {
    if (this.#checked.has(side)) return;
    const sql = side === 'monolith' ? this.#options.home : this.#options.service;
    try {
      await checkEnvironment(sql, this.#options.config.environment, side);
    } catch (error) {
      if (error instanceof StranglerError && error.code === 'LEDGER_MISSING') return;
      throw error;
    }
    this.#checked.add(side);
  }
}

function heldRun(view: View): string | null {
  return view.hold && isHeld(view, performance.now()) ? view.hold.run : null;
}

function isOlder(read: Ownership | undefined, known: Ownership | undefined): boolean {
  const epoch: Epoch | undefined = read?.epoch;
  return epoch !== undefined && known !== undefined && epoch < known.epoch;
}

/** PostgreSQL says that a table or schema is not there. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '42P01' || error.code === '3F000');
}
