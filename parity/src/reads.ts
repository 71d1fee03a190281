import { deadline, messageOf, StranglerError } from '@strangler/errors';
import {
  type AnswerRules,
  compareAnswers,
  MEANINGFUL_HEADERS,
  type RecordedAnswer,
  readAnswer,
} from './answer.ts';
import type { Difference } from './compare.ts';

export interface ReadDifference {
  request: string;
  /** Which of the clients asked, counted from 0. */
  client: number;
  path: string;
  left: string;
  right: string;
}

export interface Undecided {
  request: string;
  client: number;
  reason: string;
}

/** What became of one declared read request, over all clients. */
export interface ReadVerdict {
  route: string;
  requests: number;
  /** Compared and alike. */
  equal: number;
  /** How many of those were alike in being refused (status 400 and up): a check that proves little. */
  refused: number;
  different: ReadDifference[];
  /** Could not be told: passes no gate. */
  indeterminate: Undecided[];
}

export interface CompareReads {
  /** `GET /api/orders?limit=20` and the like; only GET is sent. */
  requests: readonly string[];
  /** The headers of each client in whose name every request is sent. */
  clients: readonly Readonly<Record<string, string>>[];
  /** Base URL of the side that owns, the control. */
  left: string;
  /** Base URL of the side that follows. */
  right: string;
  /**
   * Notes what the left side has written up to now and waits until the right side has applied it. False when it
   * has not within the caller's patience.
   */
  caughtUp: (signal: AbortSignal) => Promise<boolean>;
  fetch?: typeof fetch;
  /** Paths in JSON bodies (`$.orders[*].etag`) whose values may differ. */
  ignore?: readonly string[];
  /** The headers that are compared; otherwise those of `MEANINGFUL_HEADERS`. */
  headers?: readonly string[];
  /** How often a pair that differs is looked at again. */
  attempts?: number;
  /** How long one answer may take, in milliseconds. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Asks both running sides the same and compares the answers. A side that is behind is not different: what differs is
 * asked again once the right side has applied what the left had written, and only what then stays different, twice
 * alike, counts. What keeps moving, or gets no answer, is indeterminate.
 *
 * @throws StranglerError CONFIG_INVALID for a request that is not a GET; the reason of `signal` when it is aborted.
 */
export async function compareReads(options: CompareReads): Promise<ReadVerdict[]> {
  const paths = options.requests.map(getPath);
  const verdicts: ReadVerdict[] = [];
  for (const [index, path] of paths.entries()) {
    const route = options.requests[index] ?? path;
    const verdict: ReadVerdict = {
      route,
      requests: options.clients.length,
      equal: 0,
      refused: 0,
      different: [],
      indeterminate: [],
    };
    for (const client of options.clients.keys()) {
      options.signal?.throwIfAborted();
      await compareOne(options, route, path, client, verdict);
    }
    verdicts.push(verdict);
  }
  return verdicts;
}

function getPath(request: string): string {
  const match = /^GET (\/\S*)$/.exec(request);
  if (match?.[1] === undefined) {
    throw new StranglerError(
      'CONFIG_INVALID',
      `The parity request "${request}" is not a read.`,
      'Declare requests as "GET /path": writes are compared by recorded exchanges, never sent to both sides.',
    );
  }
  return match[1];
}

async function compareOne(
  options: CompareReads,
  request: string,
  path: string,
  client: number,
  verdict: ReadVerdict,
): Promise<void> {
  try {
    const outcome = await settle(options, path, options.clients[client] ?? {});
    if (outcome.verdict === 'equal') {
      verdict.equal += 1;
      if (outcome.status >= 400) verdict.refused += 1;
    } else if (outcome.verdict === 'different') {
      verdict.different.push(...outcome.differences.map((found) => ({ request, client, ...found })));
    } else {
      verdict.indeterminate.push({ request, client, reason: outcome.reason });
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    verdict.indeterminate.push({ request, client, reason: reasonOf(error) });
  }
}

type Outcome =
  | { verdict: 'equal'; status: number }
  | { verdict: 'different'; differences: Difference[] }
  | { verdict: 'indeterminate'; reason: string };

async function settle(
  options: CompareReads,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const rules = rulesOf(options);
  const ask = (base: string): Promise<RecordedAnswer> => answerOf(options, base, path, headers);
  const compare = (a: RecordedAnswer, b: RecordedAnswer): Difference[] => compareAnswers(a, b, rules);
  const [left, right] = await Promise.all([ask(options.left), ask(options.right)]);
  if (compare(left, right).length === 0) return { verdict: 'equal', status: left.status };

  const signal = options.signal ?? new AbortController().signal;
  let reason = 'the answers kept changing';
  let seen: string | undefined;
  for (let attempt = 0; attempt < (options.attempts ?? 5); attempt += 1) {
    const before = await ask(options.left);
    if (!(await options.caughtUp(signal))) {
      reason = 'the side that follows did not catch up in time';
      continue;
    }
    const followed = await ask(options.right);
    const after = await ask(options.left);
    const differences = compare(before, followed);
    if (differences.length === 0 || compare(after, followed).length === 0) {
      return { verdict: 'equal', status: followed.status };
    }
    // Meanwhile written: nothing can be told from this round.
    if (compare(before, after).length > 0) continue;
    const found = JSON.stringify(differences);
    if (found === seen) return { verdict: 'different', differences };
    seen = found;
  }
  return { verdict: 'indeterminate', reason };
}

function rulesOf(options: CompareReads): AnswerRules {
  return {
    headers: options.headers ?? MEANINGFUL_HEADERS,
    body: (options.ignore ?? []).map((path) => ({ path, as: 'any' })),
  };
}

async function answerOf(
  options: CompareReads,
  base: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<RecordedAnswer> {
  const response = await (options.fetch ?? fetch)(new URL(path, base), {
    headers,
    redirect: 'manual',
    signal: deadline(options.timeoutMs ?? 10_000, options.signal),
  });
  return readAnswer(response, options.headers ?? MEANINGFUL_HEADERS);
}

/** `fetch` hides the cause (refused, reset) behind "fetch failed". */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}
