import { StranglerError } from '@strangler/errors';
import type { Environments } from './environments.ts';
import type { Log } from './log.ts';
import { type Command, runCommand } from './process.ts';

/** Brings the shop's and the service's schemas up to date, by their own commands. */
export async function migrateShop(env: Environments, log: Log, signal: AbortSignal): Promise<void> {
  await Promise.all([
    must('monolith', { script: 'legacy-monolith/src/migrate.ts', env: env.monolithMigrations }, log, signal),
    must('orders', { script: 'extracted/orders/src/migrate.ts', env: env.ordersMigrations }, log, signal),
  ]);
}

/** Fills the shop with its products, users and orders. */
export async function seedShop(env: Environments, log: Log, signal: AbortSignal): Promise<void> {
  await must('monolith', { script: 'legacy-monolith/src/seed.ts', env: env.monolithMigrations }, log, signal);
}

/** Runs a command that has to succeed. @returns its standard output. @throws StranglerError COMPONENT_FAILED */
export async function must(part: string, command: Command, log: Log, signal: AbortSignal): Promise<string> {
  const onLine = (line: string) => log(part, line);
  const done = await runCommand(command, { timeoutMs: 180_000, onLine, signal });
  if (done.exitCode === 0) return done.stdout;
  const said = `${done.stderr}${done.stdout}`.trim().split('\n').slice(-8).join(' | ');
  throw new StranglerError(
    'COMPONENT_FAILED',
    `\`node ${[command.script, ...(command.args ?? [])].join(' ')}\` ended with ${done.exitCode}: ${said}`,
    'Its last words above name the cause.',
  );
}
