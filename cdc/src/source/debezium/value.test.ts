import { describe, expect, test } from 'vitest';
import { unchanged } from '../change.ts';
import { parseJson } from './json-reader.ts';
import { cellOf, placeholder, UnreadableValue } from './value.ts';

describe('values', () => {
  test.each([
    ['numeric(12,2)', '"-0.50"', '-0.50'],
    ['numeric', '"NAN"', 'NaN'],
    ['numeric', '"NEGATIVE_INFINITY"', '-Infinity'],
    ['bigint', '-9223372036854775808', '-9223372036854775808'],
    ['double precision', '-0.0', '-0'],
    ['boolean', 'true', 't'],
    ['bytea', '"00ff"', '\\x00ff'],
    ['date', '"2024-02-29Z"', '2024-02-29'],
    ['date', '"-0043-03-15Z"', '0044-03-15 BC'],
    ['date', '"0000-03-15Z"', '0001-03-15 BC'],
    ['date', '"+10000-01-01Z"', '10000-01-01'],
    ['timestamp without time zone', '"0099-01-01T00:00:00.5Z"', '0099-01-01 00:00:00.5'],
    ['timestamp without time zone', '"0000-12-31T00:00:00Z"', '0001-12-31 00:00:00 BC'],
    ['date', '"-5877611-06-21Z"', 'infinity'],
    ['date', '"-5877611-06-22Z"', '-infinity'],
    ['timestamp with time zone', '"2024-02-29T23:59:59.123456Z"', '2024-02-29 23:59:59.123456+00'],
    ['timestamp without time zone', '"+294247-01-10T04:00:25.2Z"', 'infinity'],
    ['time without time zone', '"23:59:59.999999Z"', '23:59:59.999999'],
    ['bit(5)', '"Cw=="', '01011'],
    ['bit(1)', 'true', '1'],
    ['polygon', '"2828302c302929"', '((0,0))'],
    ['text[]', '["a,b", null, "NULL", "\\"", "\\\\"]', '{"a,b",NULL,"NULL","\\"","\\\\"}'],
    ['bigint[]', '[9007199254740993, null]', '{"9007199254740993",NULL}'],
    ['integer[]', '[]', '{}'],
    ['text[]', '[null]', '{NULL}'],
    ['text[]', '["[Ljava.lang.String;@1", "x"]', '{"[Ljava.lang.String;@1","x"}'],
    ['bytea[]', '["00ff", null, ""]', '{"\\\\x00ff",NULL,"\\\\x"}'],
    ['real', '1.4e-45', '1.4e-45'],
    ['numeric(5,-2)', '"12300.000"', '12300'],
    ['numeric(12,2)', '"1.00"', '1.00'],
    ['timestamp without time zone', '"-290308-12-21T19:59:27.6Z"', '-infinity'],
    ['timestamp without time zone', '"+294247-01-10T04:00:25.21Z"', '294247-01-10 04:00:25.21'],
    ['timestamp without time zone', '"+294276-12-31T23:59:59.999999Z"', '294276-12-31 23:59:59.999999'],
    ['bit(9)', '""', '000000000'],
    ['bit(9)', '"AAE="', '100000000'],
    ['point', '{"x":"NaN","y":-0.0,"wkb":"","srid":null}', '(NaN,-0)'],
    ['record', '"28312c7829"', '(1,x)'],
    ['hstore', '"{\\"a\\":\\"1\\",\\"b \\\\\\"\\":null}"', '"a"=>"1", "b \\""=>NULL'],
    ['hstore', '"{}"', ''],
  ])('%s %s', (type, json, text) => {
    expect(cellOf(parseJson(json), type)).toBe(text);
  });

  test('trap 03: what was not sent is not taken for a value', () => {
    const bytes = [...placeholder].map((char) => char.charCodeAt(0));
    for (const [type, value] of [
      ['text', placeholder],
      ['bytea', Buffer.from(placeholder).toString('hex')],
      ['text[]', [placeholder]],
      ['integer[]', bytes],
      ['jsonb[]', [placeholder]],
      ['uuid[]', ['a79a1466-a6dd-3121-8b02-193abd915f44']],
      ['hstore', JSON.stringify({ [placeholder]: placeholder })],
    ] as const)
      expect(cellOf(value, type)).toBe(unchanged);
  });

  test('trap 80: a value in another form stops, and is never guessed', () => {
    for (const [type, value] of [
      ['integer[]', [null, null]],
      ['text[]', ['[Ljava.lang.String;@365b1c', '[Ljava.lang.String;@4a8c9cb2']],
      ['uuid[]', ['[Ljava.util.UUID;@2a0ea5b6']],
      ['inet[]', ['[Ljava.lang.Object;@4e76a00a']],
      ['citext[]', [null]],
      ['bytea', 'xyz'],
      ['date', 'yesterday'],
      ['boolean', 'maybe'],
      ['some_type', 'x'],
    ] as const)
      expect(() => cellOf(value, type)).toThrow(UnreadableValue);
  });
});
