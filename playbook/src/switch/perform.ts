import type { Config, Extraction } from '@strangler/config';
import { messageOf, StranglerError, waitFor } from '@strangler/errors';
import {
  beginClosing,
  decide,
  directionFrom,
  type Epoch,
  fenceSqlState,
  hold,
  type Ownership,
  otherSide,
  readCheckpoint,
  readFacades,
  readOwnership,
  recordEvent,
  release,
  reopen,
  type Side,
  setStage,
  settledOwnership,
} from '@strangler/ledger';
import { qualified } from '@strangler/postgres';
import pg from 'pg';
import { type Databases, openDatabase } from '../databases.ts';
import type { HeldRun } from '../hold-run.ts';
import { acceptable, type Gate, type GateName, gates } from './gates.ts';
import { observe } from './observe.ts';
import type { SwitchEffects } from './steps.ts';

export interface Acceptance {
  readonly gates: readonly GateName[];
  readonly reason: string;
}

export interface PerformOptions {
  readonly config: Config;
  readonly extraction: Extraction;
  readonly databases: Databases;
  readonly run: HeldRun;
  readonly actor: string;
  readonly to: Side;
  /** The old owner's epoch as observed; undefined when the decision was made by an earlier run. */
  readonly ownerEpoch: Epoch;
  /** The decision's epoch, when an earlier run made it. */
  readonly decided?: Epoch;
  readonly accept: Acceptance;
  readonly onGates: (gates: readonly Gate[]) => void;
  readonly signal: AbortSignal;
}

/** The real effects of a switch. */
export class PerformSwitch implements SwitchEffects {
  readonly #o: PerformOptions;
  #fence: Epoch | undefined;
  #decided: Epoch | undefined;
  #holdBegan: number | undefined;
  pauseMs = 0;
  heldRequests = 0;

  constructor(options: PerformOptions) {
    this.#o = options;
    this.#decided = options.decided;
  }

  get #from(): Side {
    return otherSide[this.#o.to];
  }

  async passGates(): Promise<void> {
    const { config, extraction, databases, to, accept, onGates } = this.#o;
    const judged = gates(
      await observe(config, extraction, databases, to),
      extraction.limits,
      extraction.name,
    );
    onGates(judged);
    const closed = judged.filter(
      (gate) => gate.level === 'closed' && !(accept.gates.includes(gate.name) && acceptable.has(gate.name)),
    );
    const [first] = closed;
    if (first) {
      throw new StranglerError(
        'GATE_CLOSED',
        closed.map((gate) => `${gate.name}: ${gate.fact}.`).join(' '),
        closed.length === 1 ? first.remedy : `First: ${first.remedy}`,
      );
    }
  }

  async hold(): Promise<void> {
    const { databases, run, extraction, ownerEpoch } = this.#o;
    this.#holdBegan = performance.now();
    await hold(databases.monolith, run, ownerEpoch, extraction.limits.holdMs);
  }

  async drain(): Promise<void> {
    const { databases, run, extraction, config, signal } = this.#o;
    const { drainMs } = extraction.limits;
    let waiting = '';
    const late = () =>
      new StranglerError(
        'DRAIN_TIMEOUT',
        `After ${drainMs} ms ${waiting}. Nothing was changed.`,
        'Try again, or raise limits.drain (and hold).',
      );
    const unfinished = extraction.unfinished[this.#from];
    await using owner = await openDatabase(config, extraction, this.#from, 'admin', 'switch', {
      // The config's own question, asked by a role with many rights: it reads, and it ends.
      default_transaction_read_only: 'on',
      statement_timeout: `${drainMs}ms`,
    });
    await waitFor(
      async () => {
        const live = (await readFacades(databases.monolith, extraction.name)).filter(
          (facade) => !facade.expired,
        );
        const busy = live.filter((facade) => facade.hold !== run.id || facade.inFlight > 0);
        if (busy.length > 0) {
          waiting = busy
            .map((facade) =>
              facade.hold === run.id
                ? `facade ${facade.id} had ${facade.inFlight} writes under way`
                : `facade ${facade.id} did not hold`,
            )
            .join(', ');
          return undefined;
        }
        if (unfinished === undefined) return true;
        const { rows } = await owner.sql.query(unfinished).catch((error: unknown) => {
          if (sqlState(error) !== '57014') throw error;
          waiting = `the question for unfinished business steps of the ${this.#from} was not answered`;
          throw late();
        });
        const count = Object.values(rows[0] ?? {})[0];
        waiting = `the ${this.#from} had ${String(count)} unfinished business steps`;
        return String(count) === '0' ? true : undefined;
      },
      { timeoutMs: drainMs, everyMs: 5, what: 'the drain', late, signal },
    );
  }

  async fence(): Promise<void> {
    const { databases, extraction, ownerEpoch } = this.#o;
    const { drainMs, fenceMs } = extraction.limits;
    this.#refuseLateFence();
    try {
      this.#fence = await beginClosing(databases[this.#from], extraction.name, ownerEpoch, {
        politeMs: Math.min(300, drainMs),
        waitMs: drainMs,
        leaseMs: fenceMs,
        tables: extraction.tables.map((table) => qualified(table[this.#from])),
      });
    } catch (error) {
      const state = this.#lapses(error, fenceMs);
      throw new StranglerError(
        'FENCE_REFUSED',
        `The ${this.#from} could not be fenced: ${messageOf(error)}. ${state}`,
        sqlState(error) === '55P03'
          ? 'A transaction that has written the tables is still open; look in pg_stat_activity, then try again.'
          : 'Run `strangler status`, then try again.',
        { cause: error },
      );
    }
  }

  /** A command that was stopped on its way, or held up, would refuse the writes that facades have let go meanwhile. */
  #refuseLateFence(): void {
    const { drainMs, fenceMs, holdMs } = this.#o.extraction.limits;
    const heldMs = performance.now() - (this.#holdBegan ?? Number.NEGATIVE_INFINITY);
    if (heldMs <= holdMs - drainMs - fenceMs) return;
    throw new StranglerError(
      'DRAIN_TIMEOUT',
      `The hold of ${holdMs} ms is nearly over before the fence. Nothing was changed.`,
      'Try again, or raise limits.hold.',
    );
  }

  #lapses(error: unknown, fenceMs: number): string {
    return isInDoubt(error)
      ? `If it was all the same, that lapses by itself within ${fenceMs} ms.`
      : 'Nothing was changed.';
  }

  async awaitCaughtUp(): Promise<void> {
    const { databases, extraction, to, signal } = this.#o;
    const fence = this.#fence;
    if (fence === undefined) throw new Error('no fence to catch up with');
    const late = () =>
      new StranglerError(
        'CATCH_UP_TIMEOUT',
        `The ${to}'s copy did not reach the fence in time; the ${this.#from} goes on.`,
        'See `strangler status` for the lag, then try again.',
      );
    await waitFor(
      async () => {
        const checkpoint = await readCheckpoint(databases[to], extraction.name, directionFrom[this.#from]);
        return checkpoint && checkpoint.sourceEpoch >= fence ? true : undefined;
      },
      { timeoutMs: extraction.limits.fenceMs * 0.75, everyMs: 4, what: 'catching up', late, signal },
    );
  }

  async decide(): Promise<void> {
    const { config, extraction, databases, to } = this.#o;
    const fence = this.#fence;
    if (fence === undefined) throw new Error('no fence to decide');
    const observed = await observe(config, extraction, databases, to);
    const sequences: Record<string, string> = {};
    for (const table of observed.plan) {
      for (const { key, source, target } of table.sequences) {
        if (source !== null && target !== null) sequences[key] = source;
      }
    }
    try {
      this.#decided = await decide(
        databases[this.#from],
        extraction.name,
        fence,
        extraction.limits.fenceMs,
        sequences,
      );
    } catch (error) {
      this.#decided = await this.#settle(fence, error);
    }
    this.#fence = undefined;
  }

  /** A decide whose answer never came may have been committed: take the lock, then read. */
  async #settle(fence: Epoch, error: unknown): Promise<Epoch> {
    if (isInDoubt(error)) {
      const row = await this.#settledRow().catch((cause: unknown) => {
        throw new StranglerError(
          'DATABASE_UNREACHABLE',
          `Whether the switch was decided is not known: ${messageOf(cause)}.`,
          'Run the command again as soon as the database answers: it takes up what it finds.',
          { cause },
        );
      });
      if (row?.state === 'closed' && row.epoch === fence + 1n) return row.epoch;
    }
    throw new StranglerError(
      'DECISION_LATE',
      `The switch was not decided: ${messageOf(error)}. The ${this.#from} goes on.`,
      sqlState(error) === fenceSqlState.late
        ? 'Try again; raise limits.fence if it happens often.'
        : 'Run `strangler status`, then try again.',
      { cause: error },
    );
  }

  async #settledRow(): Promise<Ownership | undefined> {
    const { config, extraction } = this.#o;
    await using again = await openDatabase(config, extraction, this.#from, 'operator', 'switch in doubt');
    return await settledOwnership(again.sql, extraction.name, 5_000);
  }

  async awaitOpen(): Promise<void> {
    const { databases, extraction, to, signal } = this.#o;
    const decided = this.#decided;
    if (decided === undefined) throw new Error('nothing was decided');
    const late = () =>
      new StranglerError(
        'OPEN_TIMEOUT',
        `Decided, but the ${to} has not opened yet.`,
        'The stream opens it as soon as it gets there: see that `strangler serve cdc` runs, then run the command again.',
      );
    await waitFor(
      async () => {
        const row = await readOwnership(databases[to], extraction.name);
        return row && row.state !== 'closed' && row.epoch > decided ? true : undefined;
      },
      { timeoutMs: Math.max(extraction.limits.holdMs, 10_000), everyMs: 4, what: 'opening', late, signal },
    );
  }

  async release(): Promise<void> {
    const { config, databases, run, extraction, to, actor, signal } = this.#o;
    await release(databases.monolith, run);
    const decided = this.#decided ?? 0n;
    await waitFor(
      async () => {
        const live = (await readFacades(databases.monolith, extraction.name)).filter(
          (facade) => !facade.expired,
        );
        this.heldRequests = live.reduce((sum, facade) => sum + facade.held, 0);
        return live.every((facade) => facade.hold === null && facade.epoch > decided) ? true : undefined;
      },
      { timeoutMs: 5_000, everyMs: 4, what: 'the release by every facade', signal },
    );
    if (this.#holdBegan !== undefined) this.pauseMs = Math.round(performance.now() - this.#holdBegan);
    await setStage(
      databases.monolith,
      extraction.name,
      to === 'service' ? 'switched' : 'following',
      config.hash,
    );
    await recordEvent(databases.monolith, {
      extraction: extraction.name,
      actor,
      what: 'switched',
      detail: { to, decided: String(decided), pauseMs: this.pauseMs, accepted: this.#o.accept },
    });
  }

  async reopen(): Promise<void> {
    const { databases, extraction } = this.#o;
    if (this.#fence === undefined) return;
    await reopen(databases[this.#from], extraction.name, this.#fence, extraction.limits.fenceMs);
    this.#fence = undefined;
  }

  async letGo(): Promise<void> {
    await release(this.#o.databases.monolith, this.#o.run);
  }
}

/** Whether a statement may have been committed although it failed: its connection or its server went away. */
export function isInDoubt(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || /^(08|57P)/.test(state);
}

function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}
