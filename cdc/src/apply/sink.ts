import {
  advance,
  type Direction,
  openSide,
  type Progress,
  readOwnership,
  recordViolation,
} from '@strangler/ledger';
import type { Lsn } from '@strangler/postgres';
import type pg from 'pg';
import type { Batch, Transaction } from '../assemble/index.ts';
import type { SequencePlan, TablePlan } from '../plan/index.ts';
import type { Change, Relation } from '../source/index.ts';
import { ChangeWriter, MissingRow, missingRow } from './changes.ts';
import { leaseLost, wantsParking } from './failure.ts';
import { Grouping } from './groups.ts';
import { decisionIn, type Marker, markerOf, type SourceView, viewAfter } from './marker.ts';
import { moveSequences, type SequenceValues } from './sequences.ts';
import { rowChange, StreamTables } from './table.ts';

/** How far the stream is behind, as the sink writes it with its checkpoint. */
export interface Lag {
  readonly bytes: bigint;
  readonly ms: number;
}

export interface SinkOptions {
  /** A connection of the role `apply`, its session prepared: replica role, origin, search path. */
  readonly client: pg.Client;
  readonly extraction: string;
  readonly direction: Direction;
  readonly lease: bigint;
  readonly plans: readonly TablePlan[];
  /** The checkpoint that the stream starts from. */
  readonly applied: Lsn;
  readonly view: SourceView;
  /** The origin of transactions that are the other stream's own. */
  readonly isEcho: (origin: string | null) => boolean;
  readonly lag: (applied: Lsn, commitTime: string | null) => Lag;
  /** The offset that belongs to a position, of a stream that comes out of Kafka; else null. */
  readonly bookmark?: (applied: Lsn) => bigint | null;
  /** Told of what a person should know. */
  readonly notice: (what: string, detail: Record<string, unknown>) => void;
}

/** Changes that go to the database at once at most, so that a huge transaction needs bounded memory. */
const writeChanges = 4_000;
const parkedChanges = 200_000;
const violationsMax = 1_000;

/**
 * The only writer of a stream's target. Rows and checkpoint are one transaction, whose first statement is the
 * checkpoint's, under this sink's lease (invariants 3 and 4, trap 33).
 */
export class Sink {
  readonly #options: SinkOptions;
  readonly #tables: StreamTables;
  readonly #writer: ChangeWriter;
  readonly #sequences: readonly SequencePlan[];
  #applied: Lsn;
  #view: SourceView;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#tables = new StreamTables(options.plans, options.direction === 'forward');
    this.#writer = new ChangeWriter(options.client);
    this.#sequences = options.plans.flatMap((plan) => plan.sequences);
    this.#applied = options.applied;
    this.#view = options.view;
  }

  /** Everything up to here is durable in the target. */
  get applied(): Lsn {
    return this.#applied;
  }

  /** The source side as of `applied`. */
  get view(): SourceView {
    return this.#view;
  }

  /** Whether a transaction has anything for the target beside its position. */
  concerns(transaction: Transaction): boolean {
    return this.#hasRows(transaction) || this.#markersOf(transaction).length > 0;
  }

  /** Applies whole transactions as one. @throws StranglerError as `applyFailure` says, LEASE_LOST or ROW_MISSING. */
  async apply(batch: Batch): Promise<void> {
    const position = batch.position;
    if (position === undefined) return;
    const markers = batch.transactions.flatMap((each) => this.#markersOf(each));
    const view = viewAfter(this.#view, markers, this.#options.extraction);
    const commitTime = batch.transactions.at(-1)?.commitTime ?? null;
    const work = async (parking: boolean) => {
      await this.#advance(position, commitTime, view);
      await this.#write(batch.transactions, parking);
      const decision = decisionIn(markers, this.#options.extraction);
      if (decision) await this.#open(decision);
    };
    try {
      await this.#transaction(() => work(false)).catch(async (error: unknown) => {
        if (!wantsParking(error)) throw error;
        await this.#transaction(() => work(true));
      });
    } catch (error) {
      if (error instanceof MissingRow) throw await missingRow(this.#options.client, error);
      throw error;
    }
    this.#applied = position;
    this.#view = view;
  }

  /** Moves the checkpoint alone: to a position before which nothing is outstanding, or to renew it. */
  async moveTo(position: Lsn, sequences?: SequenceValues): Promise<void> {
    await this.#transaction(async () => {
      await this.#advance(position, null, this.#view);
      if (!sequences) return;
      const here = await readOwnership(this.#options.client, this.#options.extraction);
      if (here?.state === 'closed') await moveSequences(this.#options.client, this.#sequences, sequences);
    });
    this.#applied = position;
  }

  async #transaction(work: () => Promise<void>): Promise<void> {
    const { client } = this.#options;
    await client.query('BEGIN');
    try {
      await work();
      await client.query('COMMIT');
    } catch (error) {
      // If the connection is gone, so is the transaction; what happened first is what counts.
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  async #advance(position: Lsn, commitTime: string | null, view: SourceView): Promise<void> {
    const { client, extraction, direction, lease, lag } = this.#options;
    const { bytes, ms } = lag(position, commitTime);
    const progress: Progress = {
      extraction,
      direction,
      lease,
      applied: position,
      commitTime,
      lagBytes: bytes,
      lagMs: ms,
      sourceEpoch: view.epoch,
      sourceState: view.state,
      bookmark: this.#options.bookmark?.(position) ?? null,
    };
    if (await advance(client, progress)) return;
    throw leaseLost(extraction, direction);
  }

  async #write(transactions: readonly Transaction[], parking: boolean): Promise<void> {
    const most = parking ? parkedChanges : writeChanges;
    let grouping = new Grouping();
    for (const transaction of transactions) {
      if (!this.#hasRows(transaction)) continue;
      if (this.#view.state === 'closed') {
        await this.#report(transaction);
        continue;
      }
      if (transaction.few) {
        for (const change of transaction.few) this.#group(grouping, change);
        if (grouping.size >= most) grouping = await this.#written(grouping, parking);
        continue;
      }
      for await (const piece of transaction.pieces()) {
        for (const change of piece) {
          this.#group(grouping, change);
          if (grouping.size >= most) grouping = await this.#written(grouping, parking);
        }
      }
    }
    await this.#writer.write(grouping, parking);
  }

  /** Makes the changes so far, and begins anew. */
  async #written(grouping: Grouping, parking: boolean): Promise<Grouping> {
    await this.#writer.write(grouping, parking);
    return new Grouping();
  }

  #group(grouping: Grouping, change: Change): void {
    if (change.kind === 'truncate') {
      for (const relation of change.relations) {
        const table = this.#tables.of(relation);
        if (table) grouping.truncate(table);
      }
      return;
    }
    const table = this.#tables.of(change.relation);
    if (table) grouping.add(rowChange(table, change));
  }

  /** The source does not own and the other stream did not write this: somebody got past the fence. Never applied. */
  async #report(transaction: Transaction): Promise<void> {
    const { client, extraction, direction, notice } = this.#options;
    let reported = 0;
    for await (const piece of transaction.pieces()) {
      for (const change of piece) {
        for (const { relation, key } of this.#touched(change)) {
          reported += 1;
          if (reported > violationsMax) continue;
          const { position } = transaction;
          const name = `${relation.schema}.${relation.name}`;
          await recordViolation(client, {
            extraction,
            direction,
            position,
            relation: name,
            operation: change.kind,
            key,
          });
        }
      }
    }
    notice('rows were written past the fence', { extraction, direction, rows: reported });
  }

  #touched(change: Change): { relation: Relation; key: Record<string, string | null> }[] {
    if (change.kind === 'truncate') return change.relations.map((relation) => ({ relation, key: {} }));
    const row =
      change.kind === 'insert'
        ? change.row
        : change.kind === 'delete'
          ? change.old
          : (change.old ?? change.row);
    const cells = change.relation.columns.flatMap((column, index) => {
      const cell = row[index];
      return column.key && typeof cell === 'string' ? [[column.name, cell] as const] : [];
    });
    return [{ relation: change.relation, key: Object.fromEntries(cells) }];
  }

  /** Step 6 of the switch: this side opens in the transaction that applies the other's decision (invariant 1). */
  async #open(decision: Marker): Promise<void> {
    const { client, extraction, notice } = this.#options;
    const here = await readOwnership(client, extraction);
    if (!here || here.epoch >= decision.epoch) return;
    const values = Object.entries(decision.sequences).map(([key, value]) => [key, BigInt(value)] as const);
    await moveSequences(client, this.#sequences, new Map(values));
    const epoch = await openSide(client, extraction, decision.epoch);
    notice('opened', { extraction, side: here.side, epoch: epoch.toString() });
  }

  #hasRows(transaction: Transaction): boolean {
    return transaction.changes > 0 && !this.#options.isEcho(transaction.origin);
  }

  #markersOf(transaction: Transaction): Marker[] {
    return transaction.markers
      .flatMap((change) => markerOf(change) ?? [])
      .filter((marker) => marker.extraction === this.#options.extraction);
  }
}
