/** Whole cents of a decimal string with two decimals, as `numeric(12,2)` prints it. */
export function toCents(amount: string): bigint {
  return BigInt(amount.replace('.', ''));
}

/** The decimal string of an amount in cents. */
export function fromCents(cents: bigint): string {
  const digits = cents.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
