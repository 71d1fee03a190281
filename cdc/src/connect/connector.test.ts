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

test('trap 83: nothing is read again in the midst of changes: no snapshot, and nobody may signal for one', () => {
  expect(config['snapshot.mode']).toBe('no_data');
  expect(Object.keys(config).filter((each) => /^(signal|incremental|read\.only)/.test(each))).toEqual([]);
});

test('trap 77: what the connector makes for itself is never compacted or thrown away after a while', () => {
  expect(config).toMatchObject({
    'topic.creation.default.cleanup.policy': 'delete',
    'topic.creation.default.retention.ms': '-1',
  });
});

test('trap 23: values are printed as our own sessions print them', () => {
  for (const setting of ['IntervalStyle=postgres', 'bytea_output=hex', 'extra_float_digits=3'])
    expect(config['driver.options']).toContain(`-c ${setting}`);
});

test('no secret is in it', () => {
  expect(config['database.password']).toMatch(/^\$\{env:\w+\}$/);
});
