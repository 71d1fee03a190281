import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf, StranglerError } from '@strangler/errors';
import type { GrownPorts } from './settings.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm run kafka:…` was asked for. */
export interface DaemonSettings {
  readonly verb: 'up' | 'down' | 'status';
  readonly dataDir: string;
  readonly ports: GrownPorts;
}

/** Each port's variable and default, all on 127.0.0.1. */
const variables = {
  KAFKA_PORT: 22_092,
  KAFKA_PORT_2: 22_192,
  KAFKA_CONTROLLER_PORT: 22_093,
  CONNECT_PORT: 22_083,
} as const;

/**
 * Reads `up [--brokers 2]`, `down` or `status`, and ports and folder from the environment.
 * @throws StranglerError USAGE
 */
export function daemonSettings(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): DaemonSettings {
  const { verb, brokers } = commandLine(argv);
  const port = (variable: keyof typeof variables) => portOf(variable, environment[variable]);
  const ports = {
    brokers: brokers === '2' ? [port('KAFKA_PORT'), port('KAFKA_PORT_2')] : [port('KAFKA_PORT')],
    controller: port('KAFKA_CONTROLLER_PORT'),
    connect: port('CONNECT_PORT'),
  };
  const all = [...ports.brokers, ports.controller, ports.connect];
  if (new Set(all).size < all.length)
    throw new StranglerError(
      'USAGE',
      `Two parts have the same port: ${all.join(', ')}.`,
      `Set ${Object.keys(variables).join(', ')} to different ports.`,
    );
  const data = environment['STRANGLER_DATA'] || path.join(repository, '.strangler');
  return { verb, dataDir: path.resolve(data, 'kafka'), ports };
}

function commandLine(argv: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { brokers: { type: 'string' } },
      allowPositionals: true,
    });
    const [verb, ...more] = positionals;
    const brokers = values.brokers ?? '1';
    if ((verb === 'up' || verb === 'down' || verb === 'status') && more.length === 0) {
      if (brokers === '1' || brokers === '2') return { verb, brokers } as const;
    }
    throw new Error(`Not understood: ${argv.join(' ') || 'nothing'}.`);
  } catch (error) {
    throw new StranglerError('USAGE', messageOf(error), 'Use `up [--brokers 2]`, `down` or `status`.');
  }
}

function portOf(variable: keyof typeof variables, text: string | undefined): number {
  const port = text ? Number(text) : variables[variable];
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new StranglerError(
    'USAGE',
    `${variable} is "${text}".`,
    `Set ${variable} to a port from 1 to 65535.`,
  );
}
