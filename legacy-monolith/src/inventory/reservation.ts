import type { Db } from '../database.ts';

export type ReservationState = 'reserved' | 'confirmed' | 'released';

/**
 * Makes the order's reservation in this state unless it has one.
 * @returns true when it is new; a concurrent maker has been waited for
 */
export async function claimReservation(trx: Db, orderId: number, state: ReservationState): Promise<boolean> {
  const made = await trx('shop.reservations')
    .insert({ order_id: orderId, state })
    .onConflict('order_id')
    .ignore()
    .returning('order_id');
  return made.length > 0;
}

/** The state of the order's reservation, locked until the transaction ends. */
export async function lockReservation(trx: Db, orderId: number): Promise<ReservationState | undefined> {
  const row = await trx('shop.reservations')
    .where({ order_id: orderId })
    .forNoKeyUpdate()
    .first<{ state: ReservationState } | undefined>('state');
  return row?.state;
}

export async function setReservationState(trx: Db, orderId: number, state: ReservationState): Promise<void> {
  await trx('shop.reservations')
    .where({ order_id: orderId })
    .update({ state, updated_at: trx.raw('clock_timestamp()') });
}
