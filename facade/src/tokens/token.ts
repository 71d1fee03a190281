import { epochOf, type Side } from '@strangler/ledger';
import { formatLsn, type Lsn, lsn, parseLsn } from '@strangler/postgres';
import type { Token } from '../decide/view.ts';

/** A token, and until when it counts if its position could not be read (ms since 1970). */
export interface Obligation extends Token {
  readonly until?: number;
}

/** A position that no copy ever reaches. */
export const unreachable: Lsn = lsn(0xffff_ffff_ffff_ffffn);

/** Merges by maximum: a later term counts more than any position of an earlier one. */
export function later<T extends Obligation>(a: T | undefined, b: T | undefined): T | undefined {
  if (!a) return b;
  if (!b) return a;
  if (a.term !== b.term) return a.term > b.term ? a : b;
  return a.position >= b.position ? a : b;
}

/** Obligations by extraction, as text for a cookie: `orders:m:4:16/B374D848` joined by `!`. */
export function writeObligations(obligations: ReadonlyMap<string, Obligation>): string {
  return [...obligations]
    .map(([extraction, { side, term, position, until }]) =>
      [
        extraction,
        side === 'monolith' ? 'm' : 's',
        term,
        formatLsn(position),
        ...(until === undefined ? [] : [until]),
      ].join(':'),
    )
    .join('!');
}

/** The other way round; undefined for anything that is not such a text. */
export function readObligations(text: string): Map<string, Obligation> | undefined {
  const obligations = new Map<string, Obligation>();
  for (const entry of text.split('!')) {
    const [, extraction, letter, term, position, until] =
      /^([a-z][a-z0-9-]*):([ms]):(\d{1,18}):([0-9A-F]{1,8}\/[0-9A-F]{1,8})(?::(\d{1,15}))?$/.exec(entry) ??
      [];
    if (extraction === undefined || term === undefined || position === undefined) return undefined;
    const side: Side = letter === 'm' ? 'monolith' : 'service';
    obligations.set(extraction, {
      side,
      term: epochOf.parse(term),
      position: parseLsn(position),
      ...(until === undefined ? {} : { until: Number(until) }),
    });
  }
  return obligations;
}
