/** `npm run kafka:up | kafka:down | kafka:status`: Kafka and Connect with Debezium, as processes that live on. */
import { isAbort, StranglerError } from '@strangler/errors';
import { daemonSettings } from './daemon-settings.ts';
import { daemonsDown, daemonsStatus, daemonsUp } from './daemons.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const { signal } = stop;
  try {
    const { verb, dataDir, ports } = daemonSettings(process.argv.slice(2), process.env);
    if (verb === 'up') {
      // The passwords that connectors name as ${env:STRANGLER_…}.
      const env = Object.fromEntries(
        Object.entries(process.env).filter(
          (pair): pair is [string, string] =>
            /^STRANGLER_\w+_PASSWORD$/.test(pair[0]) && pair[1] !== undefined,
        ),
      );
      await daemonsUp({ dataDir, ports, env, signal, onLog: (line) => console.log(line) });
    }
    if (verb === 'down') {
      const stopped = await daemonsDown({ dataDir, signal });
      console.log(
        stopped.length > 0 ? `Stopped ${stopped.join(', ')}; the data stays.` : 'Nothing was running.',
      );
      return 0;
    }
    const found = await daemonsStatus({ dataDir, ports, signal });
    for (const { part, pid, up, port } of found) {
      const state = up ? 'up' : pid === undefined ? 'down' : 'starting, or stuck';
      console.log(
        `${part.padEnd(8)} ${state.padEnd(6)} 127.0.0.1:${port}${pid === undefined ? '' : `  process ${pid}`}`,
      );
    }
    return found.every(({ up }) => up) ? 0 : 2;
  } catch (error) {
    if (isAbort(error) && signal.aborted) return 130;
    if (!(error instanceof StranglerError)) throw error;
    console.error(`${error.code}: ${error.fact}\n${error.remedy}`);
    return error.exitCode;
  }
}
