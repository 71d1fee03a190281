import { describe, expect, test } from 'vitest';
import { daemonSettings } from './daemon-settings.ts';

describe('the settings of npm run kafka:…', () => {
  test('have defaults, and take ports and folder from the environment', () => {
    expect(daemonSettings(['up'], { STRANGLER_DATA: '/data' })).toEqual({
      verb: 'up',
      dataDir: '/data/kafka',
      ports: { brokers: [22_092], controller: 22_093, connect: 22_083 },
    });
    const set = { KAFKA_PORT: '1', KAFKA_PORT_2: '2', KAFKA_CONTROLLER_PORT: '3', CONNECT_PORT: '4' };
    expect(daemonSettings(['up', '--brokers', '2'], set).ports).toEqual({
      brokers: [1, 2],
      controller: 3,
      connect: 4,
    });
  });

  test.each([
    [[], {}],
    [['start'], {}],
    [['up', 'down'], {}],
    [['up', '--brokers', '3'], {}],
    [['up', '--what'], {}],
    [['up'], { KAFKA_PORT: 'x' }],
    [['up'], { CONNECT_PORT: '70000' }],
    [['up'], { CONNECT_PORT: '22092' }],
  ])('%j with %j is refused', (argv, environment) => {
    expect(() => daemonSettings(argv, environment)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
