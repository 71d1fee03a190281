import { waitFor } from '@strangler/errors';
import { type Facade, serveFacade } from '@strangler/facade';
import { pino } from 'pino';
import { answerCalls } from '../child.ts';
import { parsedInput } from '../sides.ts';
import { cpuMicros } from './proxy.ts';

/** The facade as `strangler serve facade` runs it. */
const ended = new AbortController();
let facade: Facade | undefined;

answerCalls(
  {
    listen: async (input) => {
      const started = await serveFacade({
        config: parsedInput(input).config,
        signal: ended.signal,
        log: pino({ level: 'silent' }),
        port: 0,
        adminPort: 0,
      });
      facade = started;
      await waitFor(() => started.isReady() || undefined, { timeoutMs: 10_000, what: 'the facade' });
      return started.port;
    },
    cpu: cpuMicros,
  },
  async () => {
    ended.abort();
    await facade?.stopped;
  },
);
