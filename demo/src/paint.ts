import { styleText } from 'node:util';

/** Colour for what the demo says, which is all on stderr: none where that is no terminal, whatever stdout is. */
export function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stderr });
}
