import { messageOf, StranglerError } from '@strangler/errors';
import type { Direction } from '@strangler/ledger';
import pg from 'pg';
import { z } from 'zod';

/** States that pass by themselves: connections, resources, shutdown, conflicts, locks, timeouts of an idle session. */
const passing = /^(08|53[0-3]|57P|40001$|40P01$|55P03$|25P03$|57014$)/;

/** What a statement of the sink's died of, for the person who has to act. `target` is the database in words. */
export function applyFailure(error: unknown, target: string): StranglerError {
  if (error instanceof StranglerError) return error;
  if ([TypeError, RangeError, SyntaxError, z.ZodError].some((defect) => error instanceof defect)) {
    return new StranglerError(
      'UNEXPECTED',
      `Applying to ${target} failed: ${messageOf(error)}.`,
      'Report it with the log; nothing was skipped.',
      { cause: error },
    );
  }
  const state = error instanceof pg.DatabaseError ? error.code : undefined;
  if (state === undefined || passing.test(state)) {
    return new StranglerError(
      'DATABASE_UNREACHABLE',
      `Applying to ${target} was interrupted: ${messageOf(error)}.`,
      'The stream starts again by itself from its checkpoint.',
      { cause: error },
    );
  }
  return new StranglerError(
    'STREAM_STOPPED',
    `${target} refused a change: ${messageOf(error)} (SQLSTATE ${state}).`,
    remedyFor(state),
    { cause: error },
  );
}

function remedyFor(state: string): string {
  if (state === 'SF001' || state === 'SF003')
    return 'That side owns the tables, or another sink has opened it: look at `strangler status`.';
  if (state === '53400')
    return 'Raise max_active_replication_origins (max_replication_slots before PostgreSQL 18) there and restart it.';
  if (state === '42501') return 'Run the SQL that `strangler setup --sql` prints, then restart the stream.';
  if (state.startsWith('23'))
    return 'A constraint there is stricter than at the source, or a row was written past the stream: compare with `strangler verify`, correct it, then restart the stream.';
  if (state.startsWith('22'))
    return 'The value has no place in the target column: widen its type, add the label, or correct the mapping, then restart the stream.';
  return 'Make the table fit the config again, then restart the stream; nothing was skipped.';
}

/** What a sink ends with that finds its lease gone. */
export function leaseLost(extraction: string, direction: Direction): StranglerError {
  return new StranglerError(
    'LEASE_LOST',
    `Another sink has taken over the ${direction} stream of ${extraction}.`,
    'Nothing to do: one sink is enough, and this one has stopped.',
  );
}

/** Whether the statement's order or identity is at fault, and parking the rows would help (traps 10 and 27). */
export function wantsParking(error: unknown): boolean {
  return error instanceof pg.DatabaseError && ['23505', '23P01', '428C9'].includes(error.code ?? '');
}
