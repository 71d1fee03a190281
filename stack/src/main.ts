/** `npm start`: brings the stack up, keeps it up, and ends it on Ctrl-C. */
import path from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { isAbort, messageOf, StranglerError } from '@strangler/errors';
import { prefixedLog } from './log.ts';
import { portsFromEnvironment } from './ports.ts';
import { repository } from './process.ts';
import { type Stack, startStack } from './stack.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // Asked twice: every part ends with us.
      if (interrupted.signal.aborted) process.exit(130);
      interrupted.abort();
    });
  }
  const log = prefixedLog((text) => process.stdout.write(text));
  try {
    const { grown } = optionsOf(process.argv.slice(2));
    const ports = portsFromEnvironment(process.env);
    const dataDir = path.resolve(process.env['STRANGLER_DATA'] ?? path.join(repository, '.strangler'));
    const stack = await startStack({
      dataDir,
      ports,
      grown,
      log,
      signal: interrupted.signal,
      ...(process.env['STRANGLER_ENVIRONMENT'] ? { environment: process.env['STRANGLER_ENVIRONMENT'] } : {}),
    });
    printAddresses(stack, dataDir);
    if (!interrupted.signal.aborted)
      await new Promise((resolve) => interrupted.signal.addEventListener('abort', resolve));
    log('stack', 'Stopping ...');
    await stack.stop();
    log('stack', `Stopped; the data stays in ${path.relative('.', dataDir) || '.'}.`);
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted && isAbort(error)) return 0;
    if (!(error instanceof StranglerError)) throw error;
    console.error(
      `${styleText('red', error.code, { stream: process.stderr })}: ${error.fact}\n${error.remedy}`,
    );
    return error.exitCode;
  }
}

/** @throws StranglerError USAGE */
function optionsOf(args: string[]): { grown: boolean } {
  try {
    const { values } = parseArgs({ args, options: { grown: { type: 'boolean', default: false } } });
    return values;
  } catch (cause) {
    const usage = 'npm start [-- --grown]: the streams go through Debezium and Kafka (needs Java 17)';
    throw new StranglerError('USAGE', `${messageOf(cause)}.`, usage, { cause });
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
