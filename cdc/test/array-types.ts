import { numbersOf, of, type TypeCase } from './types.ts';

/** Arrays whose unchanged large values Debezium shows as such. */
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
  { name: 'a_i4', type: 'integer[]', values: ['{}', '{1,NULL,-2147483648}'], large: numbersOf('int') },
  {
    name: 'a_i8',
    type: 'bigint[]',
    values: ['{9007199254740993,NULL,-9223372036854775808}'],
    large: numbersOf('bigint'),
  },
  {
    name: 'a_uuid',
    type: 'uuid[]',
    values: ['{c0ffee00-0000-4000-8000-000000000001,NULL}'],
    large: of('md5(n::text)::uuid'),
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
];

/** Types of which an unchanged large value arrives as NULL: carried with REPLICA IDENTITY FULL only. */
export const wholeRowTypes: readonly TypeCase[] = [
  { name: 'a_i2', type: 'smallint[]', values: ['{}', '{1,NULL,-32768}'], large: numbersOf('smallint') },
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
    name: 'a_b',
    type: 'bytea[]',
    values: ['{"\\\\x00ff",NULL,"\\\\x"}'],
    large: of(`decode(md5(n::text), 'hex')`),
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
  { name: 'dom_words', type: 'words', values: ['{}', '{a,NULL,"b,c"}'], large: of('md5(n::text)') },
  { name: 'a_ci', type: 'citext[]', values: ['{NULL,b,"x,y"}', '{}'], large: of('md5(n::text)') },
  { name: 'b129', type: 'bit(129)', values: ['1'.padEnd(129, '0'), '1'.padStart(129, '0')] },
  {
    name: 'b50000',
    type: 'bit(50000)',
    values: [],
    large: `rpad((SELECT string_agg((n * 7919)::bit(32)::text, '') FROM generate_series(1, 1500) n), 50000, '0')::bit(50000)`,
  },
];
