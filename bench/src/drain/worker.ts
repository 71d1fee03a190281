import { runStream } from '@strangler/cdc';
import { pino } from 'pino';
import { answerCalls } from '../child.ts';
import { parsedInput } from '../sides.ts';

/** A forward stream in a process of its own, which begins when asked. */
const ended = new AbortController();
let stream: Promise<void> | undefined;

answerCalls(
  {
    follow(input) {
      stream = runStream({
        ...parsedInput(input),
        direction: 'forward',
        signal: ended.signal,
        log: pino({ level: 'warn' }, pino.destination(2)),
        holder: 'bench',
      });
      stream.catch(() => process.exit(1));
    },
  },
  async () => {
    ended.abort();
    await stream;
  },
);
