/** `npm run kafka:up | kafka:down | kafka:status`: Kafka, Connect and Debezium on this machine, until told to go. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { assertPortFree } from '@strangler/cluster';
import { interruption, isAbort, parseUsage, StranglerError } from '@strangler/errors';
import { keptArtifacts } from './artifacts.ts';
import { bringDown, bringUp, readDaemons } from './daemons.ts';
import type { GrownPorts } from './settings.ts';

const usage = 'npm run kafka:up [-- --brokers 2], kafka:down, kafka:status';
const repository = fileURLToPath(new URL('../..', import.meta.url));
const dataDir = path.join(
  path.resolve(process.env['STRANGLER_DATA'] ?? path.join(repository, '.strangler')),
  'kafka',
);

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (isAbort(error)) return 130;
  if (!(error instanceof StranglerError)) throw error;
  console.error(`${error.code}: ${error.fact}\n${error.remedy}`);
  return error.exitCode;
});

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseUsage(
    {
      args: argv,
      options: { brokers: { type: 'string', default: '1' } },
      allowPositionals: true,
    },
    usage,
  );
  switch (positionals[0]) {
    case 'up':
      return await up(brokersOf(values.brokers));
    case 'down':
      console.log(
        (await bringDown(dataDir)) ? 'Kafka and Connect are down; their data stays.' : 'Nothing was up.',
      );
      return 0;
    case 'status':
      return await status();
    default:
      throw new StranglerError('USAGE', 'Say up, down or status.', usage);
  }
}

function brokersOf(text: string): 1 | 2 {
  if (text === '1') return 1;
  if (text === '2') return 2;
  throw new StranglerError('USAGE', `--brokers is "${text}".`, 'Give 1, or 2 for trying failures.');
}

async function up(brokers: 1 | 2): Promise<number> {
  const running = await readDaemons(dataDir);
  const ports = running?.ports ?? portsFromEnvironment(brokers);
  if (!running) {
    for (const port of [...ports.brokers, ports.controller, ports.connect]) {
      await assertPortFree(port, 'Kafka', 'Stop what listens there, or set KAFKA_PORT or CONNECT_PORT.');
    }
  }
  // Connectors name their secrets; Connect finds them in its own environment.
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      name.startsWith('STRANGLER_') && value ? [[name, value]] : [],
    ),
  );
  const started = await bringUp({
    dataDir,
    artifactsDir: keptArtifacts(process.env),
    ports,
    brokers,
    env,
    onLog: (line) => console.error(line),
    // What has started by then is ended: nobody would know of it.
    signal: interruption(),
  });
  console.log(started ? 'Kafka and Connect are up.' : 'Kafka and Connect were up already.');
  return await status();
}

async function status(): Promise<number> {
  const running = await readDaemons(dataDir);
  if (!running) {
    console.log('Nothing is up.');
    return 0;
  }
  for (const { part, pid, alive } of running.parts)
    console.log(`${part.padEnd(8)} ${alive ? 'up  ' : 'down'} process ${pid}`);
  console.log(`brokers  ${running.ports.brokers.map((port) => `127.0.0.1:${port}`).join(',')}`);
  console.log(`connect  http://127.0.0.1:${running.ports.connect}`);
  return running.parts.every((each) => each.alive) ? 0 : 1;
}

function portsFromEnvironment(brokers: number): GrownPorts {
  const first = port('KAFKA_PORT', 9092);
  return {
    brokers: Array.from({ length: brokers }, (_, at) => first + 100 * at),
    controller: first + 1,
    connect: port('CONNECT_PORT', 8083),
  };
}

function port(variable: string, fallback: number): number {
  const value = Number(process.env[variable] ?? fallback);
  if (Number.isInteger(value) && value > 0 && value < 65_300) return value;
  throw new StranglerError(
    'USAGE',
    `${variable} is "${process.env[variable]}".`,
    'Give a port from 1 to 65299.',
  );
}
