import type { Db } from '../database.ts';
import { notFound } from '../web/refusal.ts';
import { lockReservation, type ReservationState, setReservationState } from './reservation.ts';
import { moveReserved } from './stock.ts';

/**
 * Makes an order's reserved pieces sold ones. What was released stays so; asked again it does nothing.
 * @returns the state of the reservation. Throws 404 when there is none.
 */
export async function confirm(trx: Db, orderId: number): Promise<ReservationState> {
  const state = await lockReservation(trx, orderId);
  if (state === undefined) throw notFound();
  if (state !== 'reserved') return state;
  await moveReserved(trx, orderId, 'reserved', 'sold');
  await setReservationState(trx, orderId, 'confirmed');
  return 'confirmed';
}
