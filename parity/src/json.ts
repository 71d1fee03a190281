/**
 * JSON without loss: a number is kept as the text that was sent, since a 64-bit id or an amount does not survive a
 * double.
 */
export type Json = null | boolean | string | JsonNumber | Json[] | { [key: string]: Json };

export class JsonNumber {
  /** Digits without superfluous zeros and the power of ten: equal numbers have equal texts. */
  readonly canonical: string;
  readonly source: string;

  constructor(source: string) {
    this.source = source;
    this.canonical = canonicalNumber(source);
  }

  toString(): string {
    return this.source;
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parses JSON text. Throws a `SyntaxError` for anything else. */
export function parseJson(text: string): Json {
  // Checked as it stands first: marking would make some texts valid that are not.
  JSON.parse(text);
  const marked = text.replace(TOKEN, (token) =>
    token.startsWith('"') ? `"s${token.slice(1)}` : `"n${token}"`,
  );
  return unmark(JSON.parse(marked));
}

function unmark(value: unknown): Json {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string')
    return value.startsWith('n') ? new JsonNumber(value.slice(1)) : value.slice(1);
  if (Array.isArray(value)) return value.map(unmark);
  if (typeof value !== 'object') throw new SyntaxError(`not JSON: ${typeof value}`);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.slice(1), unmark(member)]));
}

function canonicalNumber(source: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source);
  if (match === null) throw new SyntaxError(`not a JSON number: ${source}`);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}

/** The value as JSON text, for people and for cassettes. */
export function showJson(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (value instanceof JsonNumber) return value.source;
  if (Array.isArray(value)) return `[${value.map(showJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${showJson(member)}`);
  return `{${members.join(',')}}`;
}
