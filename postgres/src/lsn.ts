declare const brand: unique symbol;

/** A position in a WAL, in bytes (PostgreSQL manual, pg_lsn). Comparable only within one database cluster and timeline. */
export type Lsn = bigint & { readonly [brand]: 'Lsn' };

/** Marks a bigint that came from the wire as a position. */
export function lsn(bytes: bigint): Lsn {
  if (bytes < 0n || bytes > 0xffff_ffff_ffff_ffffn) throw new RangeError(`not a WAL position: ${bytes}`);
  return bytes as Lsn;
}

/** Reads the text form `16/B374D848`. @throws RangeError if it is not one. */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (!match) throw new RangeError(`not a WAL position: ${text}`);
  return lsn((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`));
}

export function formatLsn(position: Lsn): string {
  return `${(position >> 32n).toString(16)}/${(position & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

export function laterLsn(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b;
}
