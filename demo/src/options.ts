import { parseUsage, StranglerError } from '@strangler/errors';
import { grownParts, type Part, parts } from '@strangler/stack';
import { type BugName, bugNamed, bugNames } from './bugs/planted.ts';

/** What `npm run demo` was asked for. */
export interface DemoOptions {
  /** One JSON object on stdout at the end; progress stays on stderr. */
  json: boolean;
  /** Requests a second, all shoppers together. */
  rate: number;
  /** Shorter phases and a smaller shop: for the tests. */
  quick: boolean;
  /** The streams go through Debezium and Kafka. */
  grown: boolean;
  /** Autovacuum forced, and a five-second report open on both sides at each switch. */
  disturb: boolean;
  /** Parts that die by kill -9 once during the run, one after the other. */
  kill: readonly Part[];
  /** A planted defect that the checks have to see. */
  bug: BugName | undefined;
  /** Whether speed is judged, too: on a machine that does something else meanwhile it says nothing. */
  bars: boolean;
  /** Keep the data and logs of a run that went well, too. */
  keep: boolean;
}

export const usage = `npm run demo [-- options]
  --json            end with one JSON object on stdout
  --rate N          requests a second (default 100)
  --grown           the streams go through Debezium and Kafka (needs Java 17; Maven fetches 85 MB, once)
  --kill PART[,…]   kill -9 parts once each during the run: all, or ${parts.join(', ')},
                    with --grown also ${grownParts.join(', ')}
  --bug NAME        plant a defect that the checks have to see:
                    ${bugNames.join(', ')}
  --disturb         autovacuum forced, and a five-second report open on both sides at each switch
  --no-bars         judge what is right, not how fast it was
  --quick           shorter phases and a smaller shop
  --keep            keep the data and the logs`;

/** @throws StranglerError USAGE */
export function parseOptions(args: string[]): DemoOptions {
  const { values } = parse(args);
  const rate = Number(values.rate);
  if (!Number.isFinite(rate) || rate <= 0 || rate > 2_000) {
    throw new StranglerError(
      'USAGE',
      `--rate is "${values.rate}".`,
      'Give a number of requests a second, up to 2000.',
    );
  }
  const { json, quick, grown, disturb, keep } = values;
  const kill = partsNamed(values.kill, grown ? [...parts, ...grownParts] : parts);
  const bug = values.bug === undefined ? undefined : bugNamed(values.bug);
  return { json, quick, grown, disturb, keep, rate, kill, bug, bars: !values['no-bars'] };
}

function partsNamed(names: string | undefined, running: readonly Part[]): readonly Part[] {
  if (names === undefined) return [];
  if (names === 'all') return running;
  return names.split(',').map((name) => {
    const found = running.find((part) => part === name);
    if (found) return found;
    throw new StranglerError('USAGE', `There is no part "${name}".`, `The parts are ${running.join(', ')}.`);
  });
}

function parse(args: string[]) {
  return parseUsage(
    {
      args,
      options: {
        json: { type: 'boolean', default: false },
        rate: { type: 'string', default: '100' },
        quick: { type: 'boolean', default: false },
        grown: { type: 'boolean', default: false },
        disturb: { type: 'boolean', default: false },
        'no-bars': { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        kill: { type: 'string' },
        bug: { type: 'string' },
      },
    },
    usage,
  );
}
