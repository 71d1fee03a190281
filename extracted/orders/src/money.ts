/** An amount in cents as the contract prints it: a decimal string with exactly two decimals. */
export function formatCents(cents: bigint): string {
  const sign = cents < 0n ? '-' : '';
  const digits = (cents < 0n ? -cents : cents).toString().padStart(3, '0');
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** The cents of an amount with two decimals. Throws a `RangeError` for any other text: money is never rounded. */
export function parseCents(amount: string): bigint {
  if (!/^-?\d+\.\d\d$/.test(amount)) throw new RangeError(`not an amount with two decimals: ${amount}`);
  return BigInt(amount.replace('.', ''));
}
