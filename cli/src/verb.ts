import type { Config } from '@strangler/config';

/** What a verb's options look like to `node:util` parseArgs. */
export type OptionSpecs = Readonly<
  Record<string, { readonly type: 'string' | 'boolean'; readonly describe: string }>
>;
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

/** What a verb works with. Progress goes to stderr, results are returned. */
export interface Invocation {
  /** Loads the config that --config names, once. */
  readonly config: () => Promise<Config>;
  /** Words after the verb. */
  readonly words: readonly string[];
  readonly options: OptionValues;
  /** Who acts, for the record: user@host. */
  readonly actor: string;
  readonly signal: AbortSignal;
  /** One line of progress; a later one replaces it on a terminal. */
  readonly progress: (text: string) => void;
}

/** What a verb answers: data, and the same for people. */
export interface Answer {
  /** False: a check says no (exit code 2). */
  readonly ok: boolean;
  readonly result: unknown;
  readonly text: readonly string[];
  readonly nextSteps: readonly string[];
}

export interface Verb {
  readonly name: string;
  /** What follows the verb, e.g. `EXTRACTION`. */
  readonly takes: string;
  readonly summary: string;
  readonly options: OptionSpecs;
  readonly run: (invocation: Invocation) => Promise<Answer>;
}
