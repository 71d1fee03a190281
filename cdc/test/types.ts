/** A type that a column may have, with the values in which a conversion would err. */
export interface TypeCase {
  /** The column's name. */
  readonly name: string;
  readonly type: string;
  /** Texts that PostgreSQL reads as the type; NULL is tried with each. */
  readonly values: readonly string[];
  /** SQL of a value that is too large to stay in its row, if the type has such. */
  readonly large?: string;
}

/** Digits that do not compress, so that a value is stored outside its row. */
const noise = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n)";
const numbersOf = (type: string) =>
  `(SELECT array_agg((n * 7919 % 32749)::${type}) FROM generate_series(1, 4000) n)`;
const of = (expression: string) => `(SELECT array_agg(${expression}) FROM generate_series(1, 2000) n)`;

/** Made once before the tables, in both databases. */
export const typesSql = `
  CREATE TYPE mood AS ENUM ('sad', 'so so', 'O''K, "fine"');
  CREATE TYPE pair AS (a int, b text);
  CREATE TYPE floatrange AS RANGE (subtype = float8);
  CREATE DOMAIN word AS text CHECK (VALUE <> 'never');
  CREATE DOMAIN cents AS bigint;
  CREATE DOMAIN price AS numeric(12,2);
  CREATE DOMAIN moment AS timestamptz;
  CREATE DOMAIN birthday AS date;
  CREATE DOMAIN bits AS bit(9);
  CREATE DOMAIN raw AS bytea;
  CREATE DOMAIN doc AS jsonb;
  CREATE DOMAIN ident AS uuid;
  CREATE DOMAIN span AS interval;
  CREATE DOMAIN yes AS boolean;
  CREATE DOMAIN ratio AS float8;
  CREATE DOMAIN words AS text[];
  CREATE DOMAIN address AS inet;
  CREATE DOMAIN place AS point;`;

const texts = [
  '',
  ' ',
  'NULL',
  'null',
  'a\tb\nc\r\\',
  '"q" \'s\' {}',
  'ü€𝄞',
  '\u0001\u007f',
  '[Ljava.lang.String;@1',
  '<&>',
];
const dates = [
  '2024-02-29',
  'infinity',
  '-infinity',
  '0044-03-15 BC',
  '0001-01-01',
  '0001-12-31 BC',
  '4713-01-01 BC',
  '1582-10-10',
  '1500-02-28',
  '10000-01-01',
  '5874897-12-31',
];
const clocks = [
  '2024-02-29 23:59:59.999999',
  '2024-01-31 10:00:00',
  '2024-01-31 10:00:00.5',
  '2024-03-31 02:30:00',
  '1969-12-31 23:59:59.999999',
  '0044-03-15 12:00:00 BC',
  '4713-01-01 00:00:00 BC',
  '1582-10-10 00:00:00',
  '10000-01-01 00:00:00',
  '294276-12-31 23:59:59.999999',
];
const infinite = ['infinity', '-infinity'];
const floats = ['0', '-0', '1.5', '-1e-7', '123456.789', '1e20', '16777216', 'NaN', 'Infinity', '-Infinity'];
const numerics = [
  '0',
  '-0.50',
  '1.10',
  '0.0000001',
  '0.00000000000',
  '123456789012345678901234567890.123456789',
  '1e30',
  '-1e-30',
];

/** Scalars that Debezium is trusted with. */
export const scalarTypes: readonly TypeCase[] = [
  { name: 'i2', type: 'smallint', values: ['0', '-32768', '32767'] },
  { name: 'i4', type: 'integer', values: ['-2147483648', '2147483647'] },
  { name: 'i8', type: 'bigint', values: ['9007199254740993', '-9223372036854775808', '9223372036854775807'] },
  { name: 'an_oid', type: 'oid', values: ['0', '2147483647'] },
  { name: 'f4', type: 'real', values: [...floats, '1e-45', '3.4028235e38', '1.1754942e-38'] },
  {
    name: 'f8',
    type: 'double precision',
    values: [
      ...floats,
      '5e-324',
      '1.7976931348623157e308',
      '0.1',
      '9007199254740993',
      '2.2250738585072011e-308',
    ],
  },
  { name: 'num', type: 'numeric', values: [...numerics, 'NaN', 'Infinity', '-Infinity'] },
  { name: 'num_12_2', type: 'numeric(12,2)', values: ['0', '-0.50', '1234567890.12', 'NaN'] },
  { name: 'num_3_5', type: 'numeric(3,5)', values: ['0.00123', '-0.00001'] },
  { name: 'num_5_minus_2', type: 'numeric(5,-2)', values: ['12345', '-100', '0', '9999900'] },
  {
    name: 'cash',
    type: 'money',
    values: ['0', '-0.01', '1234.50', '-92233720368547758.08', '92233720368547758.07'],
  },
  { name: 'yes_no', type: 'boolean', values: ['t', 'f'] },
  { name: 't', type: 'text', values: texts, large: noise },
  { name: 'vc', type: 'varchar', values: texts, large: noise },
  { name: 'vc20', type: 'varchar(20)', values: texts.filter((each) => each.length <= 20) },
  { name: 'c5', type: 'char(5)', values: ['', 'ab', 'ab  ', 'üüüüü', '"\\'] },
  { name: 'bp', type: 'bpchar', values: ['', 'ab  ', 'x'], large: noise },
  { name: 'tiny', type: '"char"', values: ['a', '', '"', '\\'] },
  { name: 'nm', type: 'name', values: ['', 'a "b"', 'üü'] },
  { name: 'feeling', type: 'mood', values: ['sad', 'so so', 'O\'K, "fine"'] },
  { name: 'b', type: 'bytea', values: ['\\x', '\\x00ff', '\\x5c78'], large: `decode(${noise}, 'hex')` },
  {
    name: 'id_u',
    type: 'uuid',
    values: ['c0ffee00-0000-4000-8000-000000000001', '00000000-0000-0000-0000-000000000000'],
  },
  { name: 'd', type: 'date', values: dates },
  { name: 'ts', type: 'timestamp', values: [...clocks, ...infinite] },
  {
    name: 'ts3',
    type: 'timestamp(3)',
    values: ['2024-01-31 10:00:00.123', '294276-12-31 23:59:59.999', ...infinite],
  },
  { name: 'ts0', type: 'timestamp(0)', values: ['2024-01-31 10:00:00', ...infinite] },
  {
    name: 'tz',
    type: 'timestamptz',
    values: [
      ...clocks.map((each) => each.replace(/( BC)?$/, '+00$1')),
      '1890-01-01 00:00:00+00',
      ...infinite,
    ],
  },
  { name: 'tz3', type: 'timestamptz(3)', values: ['2024-01-31 10:00:00.12+00', ...infinite] },
  {
    name: 'iv',
    type: 'interval',
    values: [
      '1 year 2 mons -3 days 4:05:06.789012',
      '-1 mons',
      '0',
      '-00:00:01.5',
      '00:00:00.000001',
      '-00:00:00.000001',
      '178000000 years',
      '2147483647 days',
      '596523:14:07',
      '-999999:59:59.999999',
      '1 day -00:00:00.1',
    ],
  },
  { name: 'iv_ym', type: 'interval year to month', values: ['1 year 2 mons', '-5 mons'] },
  { name: 'iv3', type: 'interval(3)', values: ['1.123', '-59.999'] },
  {
    name: 'j',
    type: 'json',
    values: ['{"a":1, "a":2}', ' [1, 2.50]', 'null', '"x"', '12345678901234567890.10', '{"a": "\\u0000"}'],
    large: `to_json(${noise})`,
  },
  {
    name: 'jb',
    type: 'jsonb',
    values: ['{"a": [1, {"b": null}]}', 'null', '"ü\\"\\\\"', '12345678901234567890.10', '1e400'],
    large: `to_jsonb(${noise})`,
  },
  {
    name: 'x',
    type: 'xml',
    values: ['<a/>', '<a b="c">ü&amp;</a>', 'text'],
    large: `xmlelement(name a, ${noise})`,
  },
  {
    name: 'vector',
    type: 'tsvector',
    values: ["'a':1A 'b':2,3", '', "'it''s' 'x\\\\y'"],
    large: `to_tsvector('simple', (SELECT string_agg(md5(n::text), ' ') FROM generate_series(1, 400) n))`,
  },
  {
    name: 'query',
    type: 'tsquery',
    values: ["'a' & 'b'", "!'x' <-> 'y':*"],
    large: `(SELECT string_agg('''' || md5(n::text) || '''', ' & ') FROM generate_series(1, 400) n)::tsquery`,
  },
  {
    name: 'jpath',
    type: 'jsonpath',
    values: ['$."a"[*]?(@."b" > 1)', 'strict $'],
    large: `('$."' || ${noise} || '"')::jsonpath`,
  },
  { name: 'ip', type: 'inet', values: ['10.0.0.1', '10.0.0.1/8', '::1', '2001:db8::/32'] },
  { name: 'net', type: 'cidr', values: ['10.0.0.0/8', '2001:db8::/32'] },
  { name: 'mac', type: 'macaddr', values: ['08:00:2b:01:02:03'] },
  { name: 'mac8', type: 'macaddr8', values: ['08:00:2b:01:02:03:04:05'] },
  { name: 'r4', type: 'int4range', values: ['[1,5)', '(,5)', '[1,)', '(,)', 'empty'] },
  { name: 'r8', type: 'int8range', values: ['[-9223372036854775808,9007199254740993)', 'empty'] },
  {
    name: 'rn',
    type: 'numrange',
    values: ['[1.10,2.0]', '(,NaN)', 'empty'],
    large: `numrange(repeat('1234567890', 2000)::numeric, NULL)`,
  },
  {
    name: 'rd',
    type: 'daterange',
    values: ['[2024-01-01,2024-02-29)', '[-infinity,infinity)', '["0044-03-15 BC",)'],
  },
  {
    name: 'rts',
    type: 'tsrange',
    values: ['["2024-01-01 00:00:00","2024-02-29 12:00:00.5"]', '(,infinity)'],
  },
  { name: 'rtz', type: 'tstzrange', values: ['["2024-01-01 00:00:00+00",)', 'empty'] },
  {
    name: 'mr4',
    type: 'int4multirange',
    values: ['{}', '{[1,3),[5,7)}'],
    large: `(SELECT range_agg(int4range(n * 2, n * 2 + 1)) FROM generate_series(1, 2000) n)`,
  },
  { name: 'mrt', type: 'tstzmultirange', values: ['{["2024-01-01 00:00:00+00","2024-02-01 00:00:00+00")}'] },
  { name: 'own_range', type: 'floatrange', values: ['[1.5,2.5)', '(,)', 'empty', '[-Infinity,1e-7]'] },
  { name: 'b1', type: 'bit', values: ['0', '1'] },
  { name: 'b9', type: 'bit(9)', values: ['000000000', '100000001', '000000001', '100000000', '011111111'] },
  {
    name: 'b64',
    type: 'bit(64)',
    values: ['0'.repeat(64), '1'.repeat(64), `1${'0'.repeat(63)}`, `${'0'.repeat(63)}1`],
  },
  { name: 'p', type: 'point', values: ['(1,-2.5)', '(0.1,1e-30)', '(NaN,Infinity)', '(-0,1e300)'] },
  { name: 'ln', type: 'line', values: ['{1,-1,0.1}', '{0,1,1e-7}'] },
  { name: 'ls', type: 'lseg', values: ['[(1,2),(3,4.5)]', '[(1e20,-1e-20),(0.1,0.3)]'] },
  { name: 'bx', type: 'box', values: ['(1,1),(0,0)', '(0.1,1e300),(-1e-300,-0.2)'] },
  {
    name: 'pt',
    type: 'path',
    values: ['((1,2),(3,4))', '[(1,2),(3,4),(0.1,0)]'],
    large: `(SELECT '[' || string_agg(format('(%s,%s)', n / 7.0, n), ',') || ']' FROM generate_series(1, 1000) n)::path`,
  },
  {
    name: 'pg',
    type: 'polygon',
    values: ['((1,2))', '((0,0),(1,1.5),(2,0))'],
    large: `(SELECT '(' || string_agg(format('(%s,%s)', n / 7.0, n), ',') || ')' FROM generate_series(1, 1000) n)::polygon`,
  },
  { name: 'ci', type: 'circle', values: ['<(1,2),3>', '<(0.1,-1e-7),1e20>'] },
  {
    name: 'composite',
    type: 'pair',
    values: ['(1,x)', '(,"a ""b"", \\\\")', '(-1,)'],
    large: `ROW(1, ${noise})::pair`,
  },
  { name: 'reg', type: 'regclass', values: ['pg_class', '-', '4294967295'] },
  { name: 'lsn', type: 'pg_lsn', values: ['0/0', '1/ABCD', 'FFFFFFFF/FFFFFFFF'] },
  { name: 'x32', type: 'xid', values: ['3', '4294967295'] },
  { name: 'x64', type: 'xid8', values: ['3', '18446744073709551615'] },
  { name: 'snap', type: 'txid_snapshot', values: ['10:20:10,14,15'] },
  { name: 'psnap', type: 'pg_snapshot', values: ['10:20:10,14,15'] },
  { name: 'ctid_', type: 'tid', values: ['(0,1)', '(4294967295,65535)'] },
  { name: 'dom_text', type: 'word', values: texts, large: noise },
  { name: 'dom_i8', type: 'cents', values: ['-9223372036854775808', '9007199254740993'] },
  { name: 'dom_num', type: 'price', values: ['0.00', '-1234567890.12', 'NaN'] },
  {
    name: 'dom_tz',
    type: 'moment',
    values: ['2024-01-31 10:00:00.25+00', '0044-03-15 12:00:00+00 BC', ...infinite],
  },
  { name: 'dom_d', type: 'birthday', values: dates },
  { name: 'dom_bits', type: 'bits', values: ['000000000', '100000001'] },
  { name: 'dom_raw', type: 'raw', values: ['\\x', '\\x00ff'], large: `decode(${noise}, 'hex')` },
  { name: 'dom_doc', type: 'doc', values: ['{"a": 1.10}', 'null'], large: `to_jsonb(${noise})` },
  { name: 'dom_uuid', type: 'ident', values: ['c0ffee00-0000-4000-8000-000000000001'] },
  { name: 'dom_iv', type: 'span', values: ['1 year 2 mons -3 days 4:05:06.789012', '-00:00:01.5'] },
  { name: 'dom_bool', type: 'yes', values: ['t', 'f'] },
  { name: 'dom_f8', type: 'ratio', values: ['0.1', 'NaN', '-0'] },
  { name: 'dom_ip', type: 'address', values: ['10.0.0.1/8'] },
  { name: 'dom_p', type: 'place', values: ['(1,-2.5)'] },
];

/** Arrays of one dimension from 1. */
export const arrayTypes: readonly TypeCase[] = [
  {
    name: 'a_t',
    type: 'text[]',
    values: ['{}', '{NULL}', '{a,NULL,"b,c","NULL","","\\"q\\"","\\\\","ü"}'],
    large: of('md5(n::text)'),
  },
  { name: 'a_vc', type: 'varchar[]', values: ['{}', '{"a,b",NULL}'], large: of('md5(n::text)') },
  { name: 'a_vc40', type: 'varchar(40)[]', values: ['{x}'], large: of('md5(n::text)') },
  { name: 'a_c3', type: 'char(3)[]', values: ['{a,NULL,"  b"}'], large: of(`left(md5(n::text), 3)`) },
  { name: 'a_i2', type: 'smallint[]', values: ['{}', '{1,NULL,-32768}'], large: numbersOf('smallint') },
  { name: 'a_i4', type: 'integer[]', values: ['{}', '{1,NULL,-2147483648}'], large: numbersOf('int') },
  {
    name: 'a_i8',
    type: 'bigint[]',
    values: ['{9007199254740993,NULL,-9223372036854775808}'],
    large: numbersOf('bigint'),
  },
  { name: 'a_oid', type: 'oid[]', values: ['{1,NULL,2147483647}', '{4294967295}'], large: numbersOf('oid') },
  { name: 'a_f4', type: 'real[]', values: ['{1.5,NULL,NaN,-Infinity,-0,1e-45}'], large: numbersOf('real') },
  {
    name: 'a_f8',
    type: 'double precision[]',
    values: ['{0.1,NULL,NaN,Infinity,5e-324,1e20}'],
    large: numbersOf('float8'),
  },
  { name: 'a_bool', type: 'boolean[]', values: ['{t,NULL,f}'], large: of('n * 7919 % 5 < 2') },
  {
    name: 'a_uuid',
    type: 'uuid[]',
    values: ['{c0ffee00-0000-4000-8000-000000000001,NULL}'],
    large: of('md5(n::text)::uuid'),
  },
  {
    name: 'a_b',
    type: 'bytea[]',
    values: ['{"\\\\x00ff",NULL,"\\\\x"}'],
    large: of(`decode(md5(n::text), 'hex')`),
  },
  {
    name: 'a_d',
    type: 'date[]',
    values: [
      '{2024-02-29,NULL}',
      '{infinity,-infinity}',
      '{"0044-03-15 BC"}',
      '{1582-10-10,1500-02-28}',
      '{0001-01-01}',
      '{10000-01-01}',
      '{5874897-12-31}',
      '{"4713-01-01 BC"}',
    ],
    large: of("date '2024-01-01' + n"),
  },
  {
    name: 'a_ts',
    type: 'timestamp[]',
    values: [
      '{"2024-02-29 23:59:59.999999",NULL}',
      '{infinity,-infinity}',
      '{"0044-03-15 12:00:00 BC"}',
      '{"1582-10-10 00:00:00"}',
      '{"2024-03-31 02:30:00"}',
      '{"294276-12-31 23:59:59.999999"}',
      '{"1969-12-31 23:59:59.999999"}',
    ],
    large: of(`timestamp '2024-01-01' + n * interval '1.000001 s'`),
  },
  {
    name: 'a_tz',
    type: 'timestamptz[]',
    values: [
      '{"2024-02-29 23:59:59.999999+00",NULL}',
      '{infinity,-infinity}',
      '{"0044-03-15 12:00:00+00 BC"}',
      '{"1582-10-10 00:00:00+00"}',
      '{"2024-03-31 02:30:00+00"}',
      '{"294276-12-31 23:59:59.999999+00"}',
    ],
    large: of(`timestamptz '2024-01-01' + n * interval '1.000001 s'`),
  },
  {
    name: 'a_j',
    type: 'json[]',
    values: ['{"{\\"a\\":1, \\"a\\":2}",NULL,"null"}'],
    large: of('to_json(md5(n::text))'),
  },
  {
    name: 'a_jb',
    type: 'jsonb[]',
    values: ['{"{\\"a\\": 12345678901234567890.10}",NULL,"null"}'],
    large: of('to_jsonb(md5(n::text))'),
  },
  {
    name: 'a_ip',
    type: 'inet[]',
    values: ['{10.0.0.1/8,NULL,::1}'],
    large: of(`inet '10.0.0.0' + n * 7919`),
  },
  {
    name: 'a_net',
    type: 'cidr[]',
    values: ['{10.0.0.0/8,NULL}'],
    large: of(`cidr(inet '10.0.0.0' + n * 7919)`),
  },
  {
    name: 'a_mac',
    type: 'macaddr[]',
    values: ['{08:00:2b:01:02:03,NULL}'],
    large: of(`left(md5(n::text), 12)::macaddr`),
  },
  {
    name: 'a_mac8',
    type: 'macaddr8[]',
    values: ['{08:00:2b:01:02:03:04:05,NULL}'],
    large: of(`left(md5(n::text), 16)::macaddr8`),
  },
  {
    name: 'a_r4',
    type: 'int4range[]',
    values: ['{"[1,5)",NULL,empty}'],
    large: of('int4range(n, n * 7919)'),
  },
  {
    name: 'a_r8',
    type: 'int8range[]',
    values: ['{"[1,9007199254740993)",NULL}'],
    large: of('int8range(n, n * 7919)'),
  },
  { name: 'a_rn', type: 'numrange[]', values: ['{"[1.10,2.0]",NULL}'], large: of('numrange(n, n * 7919)') },
  {
    name: 'a_rd',
    type: 'daterange[]',
    values: ['{"[2024-01-01,2024-02-29)",NULL}'],
    large: of(`daterange('2024-01-01', date '2024-01-01' + n)`),
  },
  {
    name: 'a_rts',
    type: 'tsrange[]',
    values: ['{"[\\"2024-01-01 00:00:00\\",\\"2024-02-29 12:00:00.5\\"]",NULL}'],
    large: of(`tsrange('2024-01-01', timestamp '2024-01-01' + n * interval '1 s')`),
  },
  {
    name: 'a_rtz',
    type: 'tstzrange[]',
    values: ['{"[\\"2024-01-01 00:00:00+00\\",)",NULL}'],
    large: of(`tstzrange('2024-01-01', timestamptz '2024-01-01' + n * interval '1 s')`),
  },
  {
    name: 'a_mood',
    type: 'mood[]',
    values: ['{sad,NULL,"O\'K, \\"fine\\""}'],
    large: of(`(enum_range(NULL::mood))[1 + n * 7919 % 3]`),
  },
  { name: 'dom_words', type: 'words', values: ['{}', '{a,NULL,"b,c"}'], large: of('md5(n::text)') },
];
