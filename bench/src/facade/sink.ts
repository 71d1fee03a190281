import { serveStreams } from '@strangler/cdc';
import { pino } from 'pino';
import { answerCalls } from '../child.ts';
import { parsedInput } from '../sides.ts';

/** Both streams as `strangler serve cdc` runs them. */
const ended = new AbortController();
let streams: Promise<void> | undefined;

answerCalls(
  {
    follow: (input) => {
      streams = serveStreams({
        config: parsedInput(input).config,
        signal: ended.signal,
        log: pino({ level: 'warn' }, pino.destination(2)),
      });
      streams.catch(() => process.exit(1));
    },
  },
  async () => {
    ended.abort();
    await streams;
  },
);
