/**
 * A floating-point number as Java prints it, from PostgreSQL's shortest text: `1` is `1.0`, `1e+20` is `1.0E20`
 * (Double.toString of the Java API: decimal from 10^-3 up to 10^7, else with an exponent). NaN and the infinities stay.
 */
export function javaNumber(text: string): string {
  const value = Number(text);
  if (!Number.isFinite(value)) return text;
  const size = Math.abs(value);
  if (size === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (size >= 1e-3 && size < 1e7) return withFraction(String(value));
  const [digits = '', exponent] = value.toExponential().split('e');
  return `${withFraction(digits)}E${Number(exponent)}`;
}

function withFraction(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`;
}
