import { expect, test } from 'vitest';
import { brokerSettings, connectSettings, properties } from './settings.ts';

const ports = { brokers: [1000, 1100], controller: 1001, connect: 2000 };

test('the first broker is the controller, the second finds it, and topics are never made by accident', () => {
  const [first, second] = [brokerSettings(1, ports, '/a'), brokerSettings(2, ports, '/b')];
  expect(first).toMatchObject({
    'process.roles': 'broker,controller',
    'node.id': '1',
    'auto.create.topics.enable': 'false',
  });
  expect(second).toMatchObject({
    'process.roles': 'broker',
    listeners: 'PLAINTEXT://127.0.0.1:1100',
    'controller.quorum.voters': first['controller.quorum.voters'],
  });
});

test('every topic lies on both brokers, so that one may die', () => {
  const all = { ...brokerSettings(2, ports, '/b'), ...connectSettings(ports) };
  const factors = Object.entries(all).filter(([key]) => key.endsWith('replication.factor'));
  expect(factors).toHaveLength(7);
  expect(new Set(factors.map(([, value]) => value))).toEqual(new Set(['2']));
});

test('Connect knows every broker, is exactly-once, and reads secrets only from its environment', () => {
  expect(connectSettings(ports)).toMatchObject({
    'bootstrap.servers': '127.0.0.1:1000,127.0.0.1:1100',
    'exactly.once.source.support': 'enabled',
    'config.providers.env.param.allowlist.pattern': 'STRANGLER_.*',
  });
});

test('a properties file keeps backslashes', () => {
  expect(properties({ a: 'x\\y', b: '' })).toBe('a=x\\\\y\nb=\n');
});
