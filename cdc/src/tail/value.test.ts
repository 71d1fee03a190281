import { describe, expect, test } from 'vitest';
import type { ColumnType } from './type.ts';
import { debeziumUnchanged, debeziumValue } from './value.ts';

const base = (name: string): ColumnType => ({ name, kind: 'base' });
const arrayOf = (name: string): ColumnType => ({ name: `_${name}`, kind: 'base', element: base(name) });

/** The recipes' table: what the real one was seen to emit. */
const rows: [type: ColumnType, text: string, json: string | undefined][] = [
  [base('int8'), '9007199254740993', '9007199254740993'],
  [arrayOf('int8'), '{9007199254740993,NULL}', '[9007199254740993,null]'],
  [base('bool'), 't', 'true'],
  [base('float8'), 'NaN', '"NaN"'],
  [base('float4'), '1.5e-10', '1.5E-10'],
  [base('float8'), '1', '1.0'],
  [base('float8'), '1e+20', '1.0E20'],
  [base('float8'), '-0', '-0.0'],
  [base('numeric'), '1.50', '"1.50"'],
  [base('numeric'), 'NaN', '"NAN"'],
  [base('numeric'), '-Infinity', '"NEGATIVE_INFINITY"'],
  [arrayOf('numeric'), '{1.0,NaN}', 'null'],
  [base('money'), '-$92,233,720,368,547,758.08', '"-92233720368547758.08"'],
  [base('bytea'), '\\x00ff', '"00ff"'],
  [base('date'), '2024-02-29', '"2024-02-29Z"'],
  [base('date'), '0044-03-15 BC', '"-0043-03-15Z"'],
  [base('date'), '10000-01-01', '"+10000-01-01Z"'],
  [base('date'), 'infinity', '"-5877611-06-21Z"'],
  [base('time'), '23:59:59.999999', '"23:59:59.999999Z"'],
  [base('time'), '24:00:00', '"00:00:00Z"'],
  [base('timetz'), '23:59:59.999999+05:30', '"18:29:59.999999Z"'],
  [base('timetz'), '00:30:00+01', '"23:30:00Z"'],
  [base('timestamp'), '2024-01-31 10:00:00.5', '"2024-01-31T10:00:00.5Z"'],
  [base('timestamp'), '-infinity', '"-290308-12-21T19:59:27.6Z"'],
  [base('timestamptz'), 'infinity', '"infinity"'],
  [base('interval'), '1 year 2 mons -3 days +04:05:06.789012', '"P1Y2M-3DT4H5M6.789012S"'],
  [arrayOf('interval'), '{"1 day"}', undefined],
  [base('json'), '{"a":1, "a":2}', '"{\\"a\\":1, \\"a\\":2}"'],
  [base('bit'), '1', 'true'],
  [base('bit'), '0000000110000000', '"gAE="'],
  [arrayOf('bit'), '{101}', 'null'],
  [base('hstore'), '"a"=>"1", "b\\""=>NULL', '"{\\"a\\":\\"1\\",\\"b\\\\\\"\\":null}"'],
  [base('bit'), '000000000', '""'],
  [base('box'), '(1,1),(0,0)', '"28312e302c312e30292c28302e302c302e3029"'],
  [{ name: 'mood', kind: 'enum' }, 'sad', '"sad"'],
  [{ name: 'pair', kind: 'other' }, '(1,a)', '"28312c6129"'],
  [arrayOf('text'), '{a,NULL,"NULL","b \\"c\\\\",""}', '["a",null,"NULL","b \\"c\\\\",""]'],
  [arrayOf('int4'), '[0:1]={1,2}', '[1,2]'],
];

describe("a value in Debezium's JSON", () => {
  test.each(rows)('%o %s', (type, text, json) => {
    expect(debeziumValue(text, type)).toBe(json);
  });

  test('a point with its well-known binary', () => {
    const point = JSON.parse(debeziumValue('(1,-2.5)', base('point')) ?? '');
    expect(point).toMatchObject({ x: 1, y: -2.5, srid: null });
    expect(Buffer.from(point.wkb, 'base64').readDoubleLE(13)).toBe(-2.5);
  });

  test('trap 03: what was not sent has the shape that the real one gives it', () => {
    expect(debeziumUnchanged(base('text'), '~U~')).toBe('"~U~"');
    expect(debeziumUnchanged(arrayOf('text'), '~U~')).toBe('["~U~"]');
    expect(debeziumUnchanged(arrayOf('int8'), '~U~')).toBe('[126,85,126]');
    expect(debeziumUnchanged(arrayOf('numeric'), '~U~')).toBe('null');
  });
});
