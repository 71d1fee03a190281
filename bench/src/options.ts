import { parseUsage, StranglerError } from '@strangler/errors';

export const partNames = ['facade', 'copy', 'drain'] as const;
/** What is measured: each against what one would take without the toolkit. */
export type PartName = (typeof partNames)[number];

/** How much work one round does. */
export interface Sizes {
  /** Requests that each proxy passes on. */
  readonly requests: number;
  /** Requests under way at once. */
  readonly connections: number;
  /** Rows of the copied table. */
  readonly copyRows: number;
  /** Rows of the backlog that is drained. */
  readonly backlogRows: number;
}

export const fullSizes: Sizes = {
  requests: 10_000,
  connections: 16,
  copyRows: 500_000,
  backlogRows: 100_000,
};

/** What `npm run bench` was asked for. */
export interface BenchOptions {
  readonly parts: readonly PartName[];
  readonly rounds: number;
  readonly sizes: Sizes;
  /** Where each measured process of node leaves a CPU profile; undefined for no profiles. */
  readonly profiles: string | undefined;
}

export interface CommandLine extends BenchOptions {
  /** One JSON object on stdout instead of tables. */
  readonly json: boolean;
  /** Exit code 1 when a bar is missed. */
  readonly check: boolean;
}

export const usage = `npm run bench [-- [facade] [copy] [drain] [options]]
  --rounds N       rounds per contender (default 5)
  --json           one JSON object on stdout
  --check          exit 1 when a bar is missed
  --profile DIR    CPU profiles of the measured processes into DIR, and where their time goes`;

/** @throws StranglerError USAGE */
export function parseOptions(args: string[]): CommandLine {
  const { values, positionals } = parse(args);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new StranglerError('USAGE', `--rounds is "${values.rounds}".`, 'Give a whole number from 1.');
  const unknown = positionals.find((name) => !partNames.some((part) => part === name));
  if (unknown !== undefined)
    throw new StranglerError(
      'USAGE',
      `There is no part "${unknown}".`,
      `The parts are ${partNames.join(', ')}.`,
    );
  return {
    parts: partNames.filter((part) => positionals.length === 0 || positionals.includes(part)),
    rounds,
    sizes: fullSizes,
    profiles: values.profile,
    json: values.json,
    check: values.check,
  };
}

function parse(args: string[]) {
  return parseUsage(
    {
      args,
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '5' },
        json: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        profile: { type: 'string' },
      },
    },
    `\n${usage}`,
  );
}
