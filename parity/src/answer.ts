import { compareJson, type Difference } from './compare.ts';
import { type Json, parseJson } from './json.ts';
import type { IdPairs, Rule } from './rules.ts';

/** What a side answered, its body read to the end. */
export interface RecordedAnswer {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: string;
}

/** The headers that mean something to a client; the others are the server's own business. */
export const MEANINGFUL_HEADERS = [
  'content-type',
  'cache-control',
  'etag',
  'location',
  'vary',
  'www-authenticate',
  'idempotent-replay',
] as const;

export interface AnswerRules {
  headers?: readonly string[];
  body?: readonly Rule[];
  ids?: IdPairs;
}

/** Every place where two answers to one request are not alike: status, headers that matter, body. */
export function compareAnswers(
  left: RecordedAnswer,
  right: RecordedAnswer,
  rules: AnswerRules = {},
): Difference[] {
  const differences: Difference[] = [];
  if (left.status !== right.status) {
    differences.push({ path: 'status', left: String(left.status), right: String(right.status) });
  }
  for (const name of rules.headers ?? MEANINGFUL_HEADERS) {
    const [a, b] = [headerText(left, name), headerText(right, name)];
    if (a !== b) differences.push({ path: `header ${name}`, left: a, right: b });
  }
  return [...differences, ...compareBodies(left, right, rules)];
}

function headerText(answer: RecordedAnswer, name: string): string {
  const value = answer.headers[name];
  if (value === undefined) return 'nothing';
  return name === 'content-type' ? value.toLowerCase().replace(/;\s*/g, '; ') : value;
}

function compareBodies(left: RecordedAnswer, right: RecordedAnswer, rules: AnswerRules): Difference[] {
  if (left.body === right.body && rules.body === undefined) return [];
  const [a, b] = [jsonOf(left), jsonOf(right)];
  if (a !== undefined && b !== undefined) return compareJson(a, b, rules.body, rules.ids);
  if (left.body === right.body) return [];
  const at = firstDifference(left.body, right.body);
  const excerpt = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 20), at + 40));
  return [{ path: `body at character ${at}`, left: excerpt(left.body), right: excerpt(right.body) }];
}

function jsonOf(answer: RecordedAnswer): Json | undefined {
  if (!/\bjson\b/i.test(answer.headers['content-type'] ?? '')) return undefined;
  try {
    return parseJson(answer.body);
  } catch {
    return undefined;
  }
}

function firstDifference(left: string, right: string): number {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  return at;
}

/** Reads an answer to the end and keeps the named headers of it. */
export async function readAnswer(
  response: Response,
  names: readonly string[] = MEANINGFUL_HEADERS,
): Promise<RecordedAnswer> {
  const headers: Record<string, string> = {};
  for (const name of names) {
    const value = response.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  const type = response.headers.get('content-type');
  if (type !== null) headers['content-type'] = type;
  return { status: response.status, headers, body: await response.text() };
}

/** A difference as one line that names the route, the place and both values. */
export function describeDifference(
  route: string,
  difference: Difference,
  names: { left: string; right: string },
): string {
  const { path, left, right } = difference;
  return `${route}: ${path} is ${left} at the ${names.left}, ${right} at the ${names.right}`;
}
