import { serveStreams } from '@strangler/cdc';
import { StranglerError } from '@strangler/errors';
import { serveFacade } from '@strangler/facade';
import { pino } from 'pino';
import type { Verb } from '../verb.ts';

export const serve = {
  name: 'serve',
  takes: 'facade|cdc',
  summary: 'run a facade, or the streams, until stopped',
  options: {},
  run: async ({ config: load, words, signal }) => {
    const [part] = words;
    const config = await load();
    const log = pino({ level: process.env['LOG_LEVEL'] ?? 'info', base: { part } });
    if (part === 'cdc') {
      await serveStreams({ config, signal, log });
    } else if (part === 'facade') {
      const facade = await serveFacade({
        config,
        signal,
        log,
        port: port('FACADE_PORT', 8080),
        adminPort: port('FACADE_ADMIN_PORT', 9080),
        host: process.env['FACADE_HOST'] ?? '127.0.0.1',
      });
      await facade.stopped;
    } else {
      throw new StranglerError(
        'USAGE',
        `serve takes facade or cdc, not ${part ?? 'nothing'}.`,
        'See: strangler serve --help',
      );
    }
    return { ok: true, result: { stopped: part }, text: [], nextSteps: [] };
  },
} as const satisfies Verb;

function port(variable: string, fallback: number): number {
  const text = process.env[variable];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new StranglerError('USAGE', `${variable}=${text} is no port.`, 'Give a number from 0 to 65535.');
}
