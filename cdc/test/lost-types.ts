/** A type that Debezium changes or loses, with a value and what arrives of it; `absent` where the field is missing. */
export interface LostCase {
  readonly name: string;
  readonly type: string;
  readonly value: string;
  readonly arrives: unknown;
}

export const absent = Symbol('absent');

/** Seen on the real one; the reasons for which `carriedByDebezium` refuses them. */
export const lostTypes: readonly LostCase[] = [
  { name: 'tm', type: 'time', value: '24:00', arrives: '00:00:00Z' },
  { name: 'ttz', type: 'timetz', value: '23:59:59.999999+05:30', arrives: '18:29:59.999999Z' },
  { name: 'vb', type: 'varbit', value: '001011', arrives: 'Cw==' },
  { name: 'vb_short', type: 'varbit', value: '1011', arrives: 'Cw==' },
  { name: 'iv', type: 'interval', value: 'infinity', arrives: 'P0Y0M0DT0H0M0S' },
  { name: 'i2v', type: 'int2vector', value: '1 2 3', arrives: [] },
  { name: 'a_bit', type: 'bit(3)[]', value: '{101}', arrives: null },
  { name: 'a_vb', type: 'varbit[]', value: '{101}', arrives: absent },
  { name: 'a_iv', type: 'interval[]', value: '{1 day}', arrives: absent },
  { name: 'a_money', type: 'money[]', value: '{1}', arrives: absent },
  { name: 'a_xml', type: 'xml[]', value: '{<a/>}', arrives: absent },
  { name: 'a_point', type: 'point[]', value: '{"(1,2)"}', arrives: absent },
  { name: 'a_name', type: 'name[]', value: '{a}', arrives: absent },
  { name: 'a_num', type: 'numeric[]', value: '{1.5,NaN}', arrives: null },
  { name: 'a_tm', type: 'time[]', value: '{12:30:00.123456}', arrives: ['12:30:00.123Z'] },
  {
    name: 'a_d',
    type: 'date[]',
    value: '{0044-03-15 BC,1582-10-10}',
    arrives: ['0044-03-15Z', '1582-10-20Z'],
  },
  { name: 'a_ts', type: 'timestamp[]', value: '{1582-10-10 00:00}', arrives: ['1582-10-20T00:00:00Z'] },
  {
    name: 'a_tz',
    type: 'timestamptz[]',
    value: '{0044-03-15 12:00+00 BC}',
    arrives: ['0044-03-15T12:00:00.000000Z'],
  },
  { name: 'a_mood', type: 'mood[]', value: '{sad,NULL}', arrives: null },
  { name: 'a_pair', type: 'pair[]', value: '{"(1,x)",NULL}', arrives: null },
  { name: 'deep', type: 'int[]', value: '{{1,2},{3,4}}', arrives: [null, null] },
  { name: 'from_0', type: 'int[]', value: '[0:1]={1,2}', arrives: [1, 2] },
];
