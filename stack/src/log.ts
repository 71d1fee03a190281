import { styleText } from 'node:util';

/** Receives each line that a part of the stack prints. */
export type Log = (part: string, line: string) => void;

const palette = ['cyan', 'magenta', 'green', 'yellow', 'blue', 'red'] as const;

/** Prints lines with the part's name before them, each part in a colour of its own. */
export function prefixedLog(write: (text: string) => void): Log {
  const paint = new Map<string, (typeof palette)[number]>();
  return (part, line) => {
    const colour = paint.get(part) ?? palette[paint.size % palette.length] ?? 'cyan';
    paint.set(part, colour);
    write(`${styleText(colour, part.padEnd(9))} ${line}\n`);
  };
}
