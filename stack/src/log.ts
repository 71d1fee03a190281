import colours from 'picocolors';

/** Receives each line that a part of the stack prints. */
export type Log = (part: string, line: string) => void;

const palette = [colours.cyan, colours.magenta, colours.green, colours.yellow, colours.blue, colours.red];

/** Prints lines with the part's name before them, each part in a colour of its own. */
export function prefixedLog(write: (text: string) => void): Log {
  const paint = new Map<string, (text: string) => string>();
  return (part, line) => {
    const colour = paint.get(part) ?? palette[paint.size % palette.length] ?? String;
    paint.set(part, colour);
    write(`${colour(part.padEnd(9))} ${line}\n`);
  };
}
