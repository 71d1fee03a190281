import { StranglerError } from '@strangler/errors';
import type { Transaction } from '../assemble/index.ts';
import type { ChangeEvent } from '../source/index.ts';

/** Defects that a demo plants to show that its checks can fail. Nothing but this file knows of them. */
export interface PlantedBug {
  /** Whether a transaction with rows is dropped. */
  readonly drops: (transaction: Transaction) => boolean;
  /** The event as the defect lets it through; `isEcho` says whose origin is an echo. */
  readonly alters: (event: ChangeEvent, isEcho: (origin: string | null) => boolean) => ChangeEvent;
}

const planted = process.env['STRANGLER_BUG'];
const environment = process.env['STRANGLER_ENVIRONMENT'] ?? '';

/** A stream's own copy of the bug in STRANGLER_BUG. @throws StranglerError USAGE outside of a demo. */
export function plantedBug(): PlantedBug {
  if (planted !== undefined && planted !== '' && !environment.startsWith('demo')) {
    throw new StranglerError(
      'USAGE',
      `STRANGLER_BUG=${planted} is set, but the environment is ${environment || 'not set'}.`,
      'Unset STRANGLER_BUG: bugs are planted only in a demo.',
    );
  }
  let dropped = 0;
  let echoes = 0;
  return {
    drops: (transaction) =>
      planted === 'sink-drops-transaction' && transaction.changes > 0 && ++dropped === 20,
    alters: (event, isEcho) =>
      planted === 'echo-applied' && event.kind === 'begin' && isEcho(event.origin) && ++echoes === 5
        ? { ...event, origin: null }
        : event,
  };
}
