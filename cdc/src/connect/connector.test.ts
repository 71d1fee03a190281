import { expect, test } from 'vitest';
import { connectorConfig } from './connector.ts';

const config = connectorConfig({
  name: 'n',
  slot: 's',
  publication: 'p',
  url: 'postgresql://db:5433/my%20shop',
});

test('trap 86: the publication is ours, and the copy too', () => {
  expect(config).toMatchObject({
    'publication.name': 'p',
    'publication.autocreate.mode': 'disabled',
    'snapshot.mode': 'no_data',
    'slot.drop.on.stop': 'false',
    'database.dbname': 'my shop',
    'database.port': '5433',
  });
});

test('trap 79: all tables go to one topic; heartbeats of the connector’s own do not', () => {
  const rule = new RegExp(config['transforms.one.regex'] ?? '');
  expect(['n.public.t', 'n.transaction', 'n.message'].map((each) => rule.test(each))).toEqual([
    true,
    true,
    true,
  ]);
  expect(rule.test('__debezium-heartbeat.n')).toBe(false);
  expect(config['transforms.one.replacement']).toBe('n.log');
});

test('no secret is in it', () => {
  expect(config['database.password']).toMatch(/^\$\{env:\w+\}$/);
});
