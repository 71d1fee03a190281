import { parseUsage, StranglerError } from '@strangler/errors';
import { type History, histories } from './history.ts';

/** What `npm run bench:kafka` was asked for. */
export interface KafkaOptions {
  readonly histories: readonly History[];
  /** Changes of rows in each history. */
  readonly rows: number;
  /** How often each contender reads each history. */
  readonly repeats: number;
  /** Where each measured process of node leaves a CPU profile; undefined for no profiles. */
  readonly profiles: string | undefined;
}

export interface KafkaCommandLine extends KafkaOptions {
  /** One JSON object on stdout instead of tables. */
  readonly json: boolean;
  /** Exit code 1 when a bar is missed. */
  readonly check: boolean;
}

const names = histories.map(({ name }) => name);
export const usage = `npm run bench:kafka [-- [${names.join('] [')}] [options]]
  --rows N         changes of rows in each history (default 300000)
  --repeats N      how often each contender reads each (default 3)
  --json           one JSON object on stdout
  --check          exit 1 when a bar is missed
  --profile DIR    CPU profiles of the measured processes of node into DIR, and where their time goes`;

/** @throws StranglerError USAGE */
export function parseKafkaOptions(args: string[]): KafkaCommandLine {
  const { values, positionals } = parse(args);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new StranglerError(
      'USAGE',
      `There is no history "${unknown}".`,
      `The histories are ${names.join(', ')}.`,
    );
  return {
    histories: histories.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    rows: wholeNumber('rows', values.rows, 1_000),
    repeats: wholeNumber('repeats', values.repeats, 1),
    profiles: values.profile,
    json: values.json,
    check: values.check,
  };
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new StranglerError('USAGE', `--${name} is "${text}".`, `Give a whole number from ${least}.`);
}

function parse(args: string[]) {
  return parseUsage(
    {
      args,
      allowPositionals: true,
      options: {
        rows: { type: 'string', default: '300000' },
        repeats: { type: 'string', default: '3' },
        json: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        profile: { type: 'string' },
      },
    },
    `\n${usage}`,
  );
}
