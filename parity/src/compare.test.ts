import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareJson } from './compare.ts';
import { type Json, JsonNumber, parseJson, showJson } from './json.ts';
import { IdPairs } from './rules.ts';

const differ = (left: string, right: string): string[] =>
  compareJson(parseJson(left), parseJson(right)).map((found) => found.path);

describe('json', () => {
  test('prints what it parsed', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(showJson(parseJson(JSON.stringify(value))))).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });

  test('trap 24: ids beyond 2^53 and long amounts are not rounded', () => {
    expect(differ('{"id":9007199254740993}', '{"id":9007199254740992}')).toEqual(['$.id']);
    expect(differ('[0.12345678901234567891]', '[0.12345678901234567890]')).toEqual(['$[0]']);
  });

  test('the notation of a number means nothing, its type does', () => {
    for (const same of ['1', '1.0', '1e0', '10e-1', '0.1e1', '1E+0']) expect(differ('1', same)).toEqual([]);
    expect(differ('0', '-0.0e5')).toEqual([]);
    expect(differ('1', '"1"')).toEqual(['$']);
    expect(differ('"n1"', '1')).toEqual(['$']);
  });

  test('canonical numbers agree with arithmetic', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.nat(20), (digits, zeros) => {
        const plain = new JsonNumber(digits.toString());
        const scaled = new JsonNumber(`${digits}${'0'.repeat(zeros)}e-${zeros}`);
        expect(scaled.canonical).toBe(plain.canonical);
        expect(new JsonNumber((digits + 1n).toString()).canonical).not.toBe(plain.canonical);
      }),
    );
  });

  test('text that is not JSON is refused, also where marking would make it valid', () => {
    for (const text of ['', '{1:2}', '01', '[1,]', "{'a':1}", '1 2']) {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    }
  });
});

/** A JSON value with a path to one of its leaves. */
const withLeaf = fc.jsonValue({ maxDepth: 3 }).chain((value) => {
  const json = parseJson(JSON.stringify({ root: value }));
  const leaves = leavesOf(json, '$');
  return fc.tuple(fc.constant(json), fc.constantFrom(...leaves));
});

function leavesOf(value: Json, path: string): string[] {
  if (Array.isArray(value)) {
    return value.length === 0 ? [path] : value.flatMap((child, i) => leavesOf(child, `${path}[${i}]`));
  }
  if (value !== null && typeof value === 'object' && !(value instanceof JsonNumber)) {
    const keys = Object.keys(value);
    if (keys.length === 0) return [path];
    return keys.flatMap((key) => leavesOf(value[key] ?? null, `${path}${memberOf(key)}`));
  }
  return [path];
}

const memberOf = (key: string): string =>
  /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;

function replaceAt(value: Json, path: string, at = '$'): Json {
  if (at === path) return 'replaced, unlike anything generated: ☃';
  if (Array.isArray(value)) return value.map((child, i) => replaceAt(child, path, `${at}[${i}]`));
  if (value !== null && typeof value === 'object' && !(value instanceof JsonNumber)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, replaceAt(child, path, `${at}${memberOf(key)}`)]),
    );
  }
  return value;
}

function shuffled(value: Json): Json {
  if (Array.isArray(value)) return value.map(shuffled);
  if (value !== null && typeof value === 'object' && !(value instanceof JsonNumber)) {
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, child]) => [key, shuffled(child)]),
    );
  }
  return value;
}

describe('comparing', () => {
  test('a value equals itself, in whatever order its keys stand', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = parseJson(JSON.stringify(value));
        expect(compareJson(json, shuffled(json))).toEqual([]);
      }),
    );
  });

  test('one changed leaf is one difference, at its path, seen from both sides', () => {
    fc.assert(
      fc.property(withLeaf, ([json, leaf]) => {
        const changed = replaceAt(json, leaf);
        const there = compareJson(json, changed);
        const back = compareJson(changed, json);
        expect(there.map((found) => found.path)).toEqual([leaf]);
        expect(back).toEqual(there.map(({ path, left, right }) => ({ path, left: right, right: left })));
      }),
    );
  });

  test('a rule for exactly that leaf forgives it, and nothing else does', () => {
    fc.assert(
      fc.property(withLeaf, ([json, leaf]) => {
        const changed = replaceAt(json, leaf);
        expect(compareJson(json, changed, [{ path: leaf, as: 'any' }])).toEqual([]);
        expect(compareJson(json, changed, [{ path: `${leaf}.other`, as: 'any' }])).toHaveLength(1);
      }),
    );
  });

  test('the order and the length of arrays count', () => {
    expect(differ('[1,2]', '[2,1]')).toEqual(['$[0]', '$[1]']);
    expect(differ('{"a":[1,2,3]}', '{"a":[1]}')).toEqual(['$.a[1]', '$.a[2]']);
    expect(differ('[]', '{}')).toEqual(['$']);
    expect(differ('{"a":null}', '{}')).toEqual(['$.a']);
  });
});

describe('rules', () => {
  const id = [{ path: '$[*]', as: 'id', sameUpTo: 50 }] as const;
  const ids = (left: string, right: string, pairs = new IdPairs()): number =>
    compareJson(parseJson(left), parseJson(right), id, pairs).length;

  test('ids may differ, but one stands for one', () => {
    expect(ids('[51,52,51]', '[101,102,101]')).toBe(0);
    expect(ids('[51,51]', '[101,102]')).toBe(1);
    expect(ids('[51,52]', '[101,101]')).toBe(1);
    const pairs = new IdPairs();
    expect(ids('[51]', '[101]', pairs)).toBe(0);
    expect(ids('[52]', '[101]', pairs)).toBe(1);
  });

  test('seeded ids are the same on both sides', () => {
    expect(ids('[50]', '[50]')).toBe(0);
    expect(ids('[50]', '[101]')).toBe(1);
    expect(ids('[51]', '[7]')).toBe(1);
    expect(ids('["51"]', '[101]')).toBe(1);
  });

  test('times have the same form, and the same moment when seeded', () => {
    const time = [{ path: '$', as: 'time', sameBefore: '2026-01-01T00:00:00Z' }] as const;
    const times = (left: string, right: string): number => compareJson(left, right, time).length;
    expect(times('2026-05-01T10:00:00.123456Z', '2026-05-02T11:30:00.000001Z')).toBe(0);
    expect(times('2026-05-01T10:00:00.123456Z', '2026-05-02T11:30:00.001Z')).toBe(1);
    expect(times('2026-05-01T10:00:00.123456Z', '2026-05-02T11:30:00.123456+01:00')).toBe(1);
    expect(times('2025-05-01T10:00:00.123456Z', '2025-05-01T10:00:00.123457Z')).toBe(1);
    expect(times('2025-05-01T10:00:00.123456Z', '2025-05-01T10:00:00.123456Z')).toBe(0);
    expect(times('soon', 'later')).toBe(1);
  });
});
