import { styleText } from 'node:util';
import type { StranglerError } from '@strangler/errors';
import type { Answer } from './verb.ts';

/** The result of a verb, for people or as one JSON object. */
export function printAnswer(verb: string, answer: Answer, json: boolean): void {
  if (json) {
    const frame = {
      schema: `strangler/${verb}/1`,
      ok: answer.ok,
      result: answer.result,
      next_steps: answer.nextSteps,
    };
    process.stdout.write(`${JSON.stringify(frame, bigintAsText)}\n`);
    return;
  }
  for (const line of answer.text) process.stdout.write(`${line}\n`);
  for (const step of answer.nextSteps) process.stdout.write(`${styleText('dim', 'next:')} ${step}\n`);
}

/** Colour only where that stream is a terminal; styleText looks at stdout unless told. */
const onStderr = { stream: process.stderr };

/** Code, fact, remedy; no stack unless asked. */
export function printError(error: StranglerError, options: { json: boolean; stack: boolean }): void {
  if (options.json) {
    const { code, fact, remedy } = error;
    process.stdout.write(
      `${JSON.stringify({ schema: 'strangler/error/1', ok: false, error: { code, fact, remedy }, next_steps: [] })}\n`,
    );
  } else {
    process.stderr.write(
      `${styleText('red', error.code, onStderr)} ${error.fact}\n${styleText('dim', 'remedy:', onStderr)} ${error.remedy}\n`,
    );
  }
  if (options.stack) {
    process.stderr.write(`${error.stack ?? error.message}\n`);
    if (error.cause instanceof Error)
      process.stderr.write(`cause: ${error.cause.stack ?? error.cause.message}\n`);
  }
}

/** One line on a terminal that the next one replaces; plain lines elsewhere; silent for --json. */
export function progressLine(
  stream: NodeJS.WriteStream,
  silent: boolean,
): { show: (text: string) => void; done: () => void } {
  let last = '';
  return {
    show: (text) => {
      if (silent || text === last) return;
      stream.write(
        stream.isTTY
          ? `\r\x1b[2K${styleText('dim', text.slice(0, (stream.columns ?? 100) - 1), { stream })}`
          : `${text}\n`,
      );
      last = text;
    },
    done: () => {
      if (last !== '' && stream.isTTY) stream.write('\r\x1b[2K');
      last = '';
    },
  };
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
