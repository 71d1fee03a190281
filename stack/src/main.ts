/** `npm start`: brings the stack up, keeps it up, and ends it on Ctrl-C. */
import path from 'node:path';
import { styleText } from 'node:util';
import { interruption, isAbort, parseUsage, StranglerError } from '@strangler/errors';
import { prefixedLog } from './log.ts';
import { portsFromEnvironment } from './ports.ts';
import { repository } from './process.ts';
import { type Stack, startStack } from './stack.ts';

const options = { grown: { type: 'boolean', default: false } } as const;
const usage = 'npm start [-- --grown]: the streams go through Debezium and Kafka (needs Java 17)';

process.exitCode = await main();

async function main(): Promise<number> {
  const interrupted = interruption();
  const log = prefixedLog((text) => process.stdout.write(text));
  try {
    const { values } = parseUsage({ args: process.argv.slice(2), options }, usage);
    const ports = portsFromEnvironment(process.env);
    const dataDir = path.resolve(process.env['STRANGLER_DATA'] ?? path.join(repository, '.strangler'));
    const stack = await startStack({
      dataDir,
      ports,
      grown: values.grown,
      log,
      signal: interrupted,
      ...(process.env['STRANGLER_ENVIRONMENT'] ? { environment: process.env['STRANGLER_ENVIRONMENT'] } : {}),
    });
    printAddresses(stack, dataDir);
    if (!interrupted.aborted) await new Promise((resolve) => interrupted.addEventListener('abort', resolve));
    log('stack', 'Stopping ...');
    await stack.stop();
    log('stack', `Stopped; the data stays in ${path.relative('.', dataDir) || '.'}.`);
    return 0;
  } catch (error) {
    if (interrupted.aborted && isAbort(error)) return 0;
    if (!(error instanceof StranglerError)) throw error;
    console.error(
      `${styleText('red', error.code, { stream: process.stderr })}: ${error.fact}\n${error.remedy}`,
    );
    return error.exitCode;
  }
}

function printAddresses(stack: Stack, dataDir: string): void {
  const lines = [
    ['the shop, through the facade', stack.addresses.facade],
    ["the facade's health and metrics", `${stack.addresses.facadeAdmin}/metrics`],
    ['the monolith itself', stack.addresses.monolith],
    ['the orders service itself', stack.addresses.orders],
    ['the flags', stack.addresses.unleash],
    ["the monolith's database", withoutPassword(stack.databases.monolith)],
    ["the service's database", withoutPassword(stack.databases.service)],
    ...(stack.grown
      ? [
          ['Kafka', stack.grown.kafka] as const,
          ['Kafka Connect', `${stack.grown.connect}/connectors`] as const,
        ]
      : []),
  ] as const;
  console.log(
    `\n${lines.map(([what, where]) => `  ${what.padEnd(32)} ${styleText('bold', where)}`).join('\n')}`,
  );
  console.log(
    `\n  For \`npx strangler\` in another terminal: ${styleText('bold', `set -a; . ${path.join(path.relative('.', dataDir), 'operator.env')}; set +a`)}` +
      `\n  Secrets are in ${path.join(path.relative('.', dataDir), 'secrets.env')}. Ctrl-C stops everything.\n`,
  );
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  url.password = '';
  return url.toString();
}
