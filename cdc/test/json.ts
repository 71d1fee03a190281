import { isObject, type Json } from '../src/source/debezium/json.ts';

/** What the engine's own parser reads, with whole numbers of more than 15 characters as bigints. */
export function engineReads(text: string): Json {
  return JSON.parse(text, (_: string, value: Json, context?: { source?: string }) => {
    const source = context?.source;
    return typeof value === 'number' &&
      source !== undefined &&
      /^-?\d{15,}$/.test(source) &&
      source.length > 15
      ? BigInt(source)
      : value;
  });
}

/** JSON in which big integers are written out, with blanks here and there. */
export function written(value: unknown, blank: string): string {
  if (typeof value === 'bigint') return value.toString();
  if (Object.is(value, -0)) return '-0';
  if (Array.isArray(value))
    return `[${blank}${value.map((each) => written(each, blank)).join(`${blank},${blank}`)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}${blank}:${blank}${written(each, blank)}`,
  );
  return `{${blank}${members.join(`${blank},${blank}`)}${blank}}`;
}

/** Objects as lists of what they have themselves, so that a name like `__proto__` is compared, too. */
export function entriesOf(value: Json): unknown {
  if (Array.isArray(value)) return value.map(entriesOf);
  if (!isObject(value)) return value;
  return { members: Object.entries(value).map(([key, each]) => [key, entriesOf(each)]) };
}
