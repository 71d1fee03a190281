import { type Config, type Extraction, extractionOf } from '@strangler/config';
import { StranglerError } from '@strangler/errors';
import type { Invocation } from './verb.ts';

/** The extraction that the command line names; the only one of the config when it names none. */
export function extractionWord(config: Config, words: readonly string[]): Extraction {
  const [name] = words;
  if (words.length > 1)
    throw new StranglerError(
      'USAGE',
      `One extraction at a time: ${words.join(' ')}.`,
      'Leave the others out.',
    );
  if (name !== undefined) return extractionOf(config, name);
  const [only] = config.extractions;
  if (only && config.extractions.length === 1) return only;
  const names = config.extractions.map((each) => each.name).join(', ');
  throw new StranglerError('USAGE', 'Which extraction?', `The config has: ${names || 'none'}.`);
}

/** Config and extraction of an invocation. */
export async function target(invocation: Invocation): Promise<{ config: Config; extraction: Extraction }> {
  const config = await invocation.config();
  return { config, extraction: extractionWord(config, invocation.words) };
}
