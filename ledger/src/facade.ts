import type { Sql } from '@strangler/postgres';
import { z } from 'zod';
import type { Epoch } from './ownership.ts';

/** What a facade obeys for one extraction, as it reports it with each refresh of its view. */
export interface FacadeReport {
  readonly id: string;
  readonly extraction: string;
  readonly epoch: Epoch;
  /** The run whose hold it obeys; set only once no new write passes any more. */
  readonly hold: string | null;
  readonly inFlight: number;
  readonly held: number;
  readonly leaseMs: number;
}

/** Says that the facade is alive and what it obeys. Its own lease must have been counted from before this call. */
export async function reportFacade(home: Sql, report: FacadeReport): Promise<void> {
  await home.query(
    `INSERT INTO strangler.facade (id, extraction, epoch, hold, in_flight, held, lease_ms, last_seen)
     VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
     ON CONFLICT (id, extraction) DO UPDATE SET epoch = $3, hold = $4, in_flight = $5, held = $6, lease_ms = $7,
       last_seen = clock_timestamp()`,
    [report.id, report.extraction, report.epoch, report.hold, report.inFlight, report.held, report.leaseMs],
  );
}

/** A facade that stops says so: nobody needs to wait for its lease. */
export async function removeFacade(home: Sql, id: string): Promise<void> {
  await home.query(`DELETE FROM strangler.facade WHERE id = $1`, [id]);
}

export interface FacadeState {
  readonly id: string;
  readonly epoch: Epoch;
  readonly hold: string | null;
  readonly inFlight: number;
  readonly held: number;
  /** Its lease is over: it answers writes of the extraction with 503 by itself. */
  readonly expired: boolean;
}

const row = z.object({
  id: z.string(),
  epoch: z.coerce.bigint().transform((value) => value as Epoch),
  hold: z.string().nullable(),
  in_flight: z.coerce.number(),
  held: z.coerce.number(),
  expired: z.enum(['t', 'f']).transform((value) => value === 't'),
});

export async function readFacades(home: Sql, extraction: string): Promise<FacadeState[]> {
  const { rows } = await home.query(
    `SELECT id, epoch, hold, in_flight, held,
            last_seen + lease_ms * interval '1 millisecond' < clock_timestamp() AS expired
       FROM strangler.facade WHERE extraction = $1 ORDER BY id`,
    [extraction],
  );
  return rows.map((each) => {
    const { in_flight, ...rest } = row.parse(each);
    return { ...rest, inFlight: in_flight };
  });
}
