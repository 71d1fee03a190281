import { type Epoch, epochOf, type OwnerState, ownerStates } from '@strangler/ledger';
import { z } from 'zod';
import type { Change } from '../source/index.ts';

/** What a change of the source side's ownership row says. */
export interface Marker {
  readonly extraction: string;
  readonly epoch: Epoch;
  readonly state: OwnerState;
  /** At a decision: the last value of each sequence, by the key that both sides know it by. */
  readonly sequences: Readonly<Record<string, string>>;
  /** A row's first appearance is never a decision. */
  readonly update: boolean;
}

/** The source side as the stream has shown it so far. */
export interface SourceView {
  readonly epoch: Epoch;
  readonly state: OwnerState;
}

const row = z.object({
  extraction: z.string(),
  epoch: epochOf,
  state: z.enum(ownerStates),
  sequences: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.record(z.string(), z.string())),
});

/** Reads the marker; undefined for a deleted row. @throws ZodError if the row has another shape. */
export function markerOf(change: Change): Marker | undefined {
  if (change.kind !== 'insert' && change.kind !== 'update') return undefined;
  const named = Object.fromEntries(
    change.relation.columns.map((column, index) => [column.name, change.row[index]]),
  );
  return { ...row.parse(named), update: change.kind === 'update' };
}

/** The view after the markers; rows of other extractions are none of ours. */
export function viewAfter(view: SourceView, markers: readonly Marker[], extraction: string): SourceView {
  return markers
    .filter((marker) => marker.extraction === extraction)
    .reduce<SourceView>((_, { epoch, state }) => ({ epoch, state }), view);
}

/** The marker by which the source side gave ownership up, if it is among them (switch, step 5). */
export function decisionIn(markers: readonly Marker[], extraction: string): Marker | undefined {
  return markers.find(
    (marker) => marker.update && marker.extraction === extraction && marker.state === 'closed',
  );
}
