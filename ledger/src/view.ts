import type { Row, Sql } from '@strangler/postgres';
import pg from 'pg';
import { z } from 'zod';
import { type Checkpoint, checkpointColumns, checkpointFrom } from './checkpoint.ts';
import { type Stage, stages } from './extraction.ts';
import type { Direction } from './names.ts';
import { type Epoch, epochOf, type Ownership, ownershipColumns, ownershipFrom } from './ownership.ts';

/** A hold that a run asks for. */
export interface Hold {
  readonly run: string;
  /** It ends when a side is open at a later epoch than this. */
  readonly epoch: Epoch;
  /** Ms left, by the ledger's clock at the time of reading. */
  readonly remainingMs: number;
}

/** What the home ledger says about one extraction. */
export interface HomeView {
  readonly stage: Stage;
  readonly homes: readonly string[];
  /** Undefined before the first sync: nothing is fenced, the monolith owns. */
  readonly ownership: Ownership | undefined;
  readonly hold: Hold | undefined;
  /** The stream that arrives in the monolith. */
  readonly reverse: Checkpoint | undefined;
  /** How many other facades are alive. */
  readonly otherFacades: number;
}

/** What the service's database says. */
export interface ServiceView {
  readonly ownership: Ownership | undefined;
  /** The stream that arrives in the service. */
  readonly forward: Checkpoint | undefined;
}

const json = z.string().transform((text): unknown => JSON.parse(text));
const holdRow = z.object({ id: z.string(), hold_epoch: epochOf, remaining_ms: z.coerce.number() });
const homeRow = z.object({
  stage: z.enum(stages),
  homes: json.pipe(z.array(z.string())),
  hold: json.pipe(holdRow).nullable(),
  ownership: json.nullable(),
  reverse: json.nullable(),
  other_facades: z.coerce.number(),
});
const serviceRow = z.object({ ownership: json.nullable(), forward: json.nullable() });

const ownershipOf = (extraction: string) => `(SELECT row_to_json(o)::text FROM
  (SELECT ${ownershipColumns} FROM strangler.ownership WHERE extraction = ${extraction}) o) AS ownership`;
const checkpointOf = (extraction: string, direction: Direction) => `(SELECT row_to_json(c)::text FROM
  (SELECT ${checkpointColumns} FROM strangler.checkpoint WHERE extraction = ${extraction} AND direction = '${direction}') c
  ) AS ${direction}`;

/** One statement, so that it is of one moment: every facade asks for it several times a second. */
const homeSql = `
  SELECT e.stage, to_json(e.homes)::text AS homes, ${ownershipOf('e.name')}, ${checkpointOf('e.name', 'reverse')},
    (SELECT row_to_json(h)::text FROM
      (SELECT id, hold_epoch, (extract(epoch FROM hold_until - clock_timestamp()) * 1000)::bigint AS remaining_ms
         FROM strangler.run WHERE extraction = e.name AND outcome IS NULL AND hold_until > clock_timestamp()) h) AS hold,
    (SELECT count(*) FROM strangler.facade f WHERE f.extraction = e.name AND f.id <> $2
        AND f.last_seen + f.lease_ms * interval '1 millisecond' > clock_timestamp()) AS other_facades
    FROM strangler.extraction e WHERE e.name = $1`;
const serviceSql = `SELECT ${ownershipOf('$1')}, ${checkpointOf('$1', 'forward')}`;

const planned: HomeView = {
  stage: 'planned',
  homes: [],
  ownership: undefined,
  hold: undefined,
  reverse: undefined,
  otherFacades: 0,
};

/** What the home ledger says to a facade. A ledger that was not made yet says that the extraction is planned. */
export async function readHomeView(home: Sql, extraction: string, facade: string): Promise<HomeView> {
  const row = await onlyRow(home, homeSql, [extraction, facade]);
  if (!row) return planned;
  const { stage, homes, hold, ownership, reverse, other_facades } = homeRow.parse(row);
  return {
    stage,
    homes,
    ownership: ownership === null ? undefined : ownershipFrom(ownership),
    hold:
      hold === null ? undefined : { run: hold.id, epoch: hold.hold_epoch, remainingMs: hold.remaining_ms },
    reverse: reverse === null ? undefined : checkpointFrom(reverse),
    otherFacades: other_facades,
  };
}

/** What the service's database says; nothing while its ledger was not made yet. */
export async function readServiceView(service: Sql, extraction: string): Promise<ServiceView> {
  const row = await onlyRow(service, serviceSql, [extraction]);
  const { ownership, forward } = serviceRow.parse(row ?? { ownership: null, forward: null });
  return {
    ownership: ownership === null ? undefined : ownershipFrom(ownership),
    forward: forward === null ? undefined : checkpointFrom(forward),
  };
}

async function onlyRow(sql: Sql, text: string, values: string[]): Promise<Row | undefined> {
  try {
    const { rows } = await sql.query(text, values);
    return rows[0];
  } catch (error) {
    // undefined_table, also when the whole schema is not there.
    if (error instanceof pg.DatabaseError && error.code === '42P01') return undefined;
    throw error;
  }
}
