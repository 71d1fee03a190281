import type { Db } from '../database.ts';
import { claimReservation, lockReservation, setReservationState } from './reservation.ts';
import { moveReserved } from './stock.ts';

/**
 * Puts an order's pieces back on the shelf, whether reserved or sold. An order that we don't know is marked as
 * released, so that a reservation that arrives late does nothing.
 */
export async function release(trx: Db, orderId: number): Promise<void> {
  const isNew = await claimReservation(trx, orderId, 'released');
  if (isNew) return;
  const state = await lockReservation(trx, orderId);
  if (state === undefined || state === 'released') return;
  await moveReserved(trx, orderId, state === 'reserved' ? 'reserved' : 'sold', 'available');
  await setReservationState(trx, orderId, 'released');
}
