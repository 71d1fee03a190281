import { z } from 'zod';
import { readAnswer } from '../answer.ts';
import type { Cassette, ContextCall, Exchange } from '../cassette.ts';
import { contractRules, type ExpectedCall, type Journey, type Step } from './journeys.ts';

export interface RecorderSettings {
  /** A shop that was seeded for a recording and has seen nothing since. */
  monolithUrl: string;
  internalToken: string;
  journeys: readonly Journey[];
  signal: AbortSignal;
}

const SEED_PASSWORD = 'correct horse';
const session = z.object({ token: z.string() });
const withId = z.object({ id: z.number() });

/**
 * Lives the journeys against the running shop and returns what it answered. What the contexts are asked by a
 * service is asked of them right after each step, with the order's own id: they answer repeated calls alike.
 * @throws Error when the shop does not answer, or a journey names an id that was not captured.
 */
export async function recordJourneys(settings: RecorderSettings): Promise<Cassette[]> {
  const tokens = new Map<number, string>();
  const fresh = { next: 1_000_001 };
  const cassettes: Cassette[] = [];
  for (const journey of settings.journeys) {
    const recordedAt = new Date().toISOString();
    const ids = new Map<string, number>();
    const exchanges: Exchange[] = [];
    for (const step of journey.steps) {
      exchanges.push(await recordStep(settings, step, { tokens, ids, fresh: fresh.next }));
      fresh.next += 1;
    }
    cassettes.push({ journey: journey.name, recordedAt, rules: contractRules(recordedAt), exchanges });
  }
  return cassettes;
}

interface Memory {
  tokens: Map<number, string>;
  ids: Map<string, number>;
  fresh: number;
}

async function recordStep(settings: RecorderSettings, step: Step, memory: Memory): Promise<Exchange> {
  const { method, path, as, key, capture } = step;
  const body =
    typeof step.body === 'string' || step.body === undefined ? step.body : JSON.stringify(step.body);
  const headers: Record<string, string> = {};
  if (as !== undefined) headers['authorization'] = `Bearer ${await tokenOf(settings, as, memory.tokens)}`;
  if (key !== undefined) headers['idempotency-key'] = key;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(new URL(filled(path, memory.ids), settings.monolithUrl), {
    method,
    headers,
    signal: settings.signal,
    ...(body === undefined ? {} : { body: filled(body, memory.ids) }),
  });
  const answer = await readAnswer(response);
  if (capture !== undefined) memory.ids.set(capture, withId.parse(JSON.parse(answer.body)).id);
  const calls: ContextCall[] = [];
  for (const call of step.calls ?? []) calls.push(await recordCall(settings, call, memory));
  return {
    request: {
      method,
      path,
      ...(as === undefined ? {} : { as }),
      ...(key === undefined ? {} : { key }),
      ...(body === undefined ? {} : { body }),
    },
    ...(capture === undefined ? {} : { capture }),
    answer,
    calls,
  };
}

async function recordCall(
  settings: RecorderSettings,
  call: ExpectedCall,
  memory: Memory,
): Promise<ContextCall> {
  const body = { ...call.body, orderId: orderIdOf(call, memory) };
  const response = await fetch(new URL(call.path, settings.monolithUrl), {
    method: 'POST',
    headers: { authorization: `Bearer ${settings.internalToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: settings.signal,
  });
  const answer = z.json().parse(await response.json());
  return { path: call.path, body: z.json().parse(body), status: response.status, answer };
}

function orderIdOf(call: ExpectedCall, memory: Memory): number {
  const { orderId } = call.body;
  if (typeof orderId === 'number') return orderId;
  return orderId === '{fresh}' ? memory.fresh : Number(filled(orderId, memory.ids));
}

async function tokenOf(
  settings: RecorderSettings,
  user: number,
  tokens: Map<number, string>,
): Promise<string> {
  const known = tokens.get(user);
  if (known !== undefined) return known;
  const response = await fetch(new URL('/api/sessions', settings.monolithUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: `user${user}@example.test`, password: SEED_PASSWORD }),
    signal: settings.signal,
  });
  const { token } = session.parse(await response.json());
  tokens.set(user, token);
  return token;
}

/** The text with the captured ids in their places. */
export function filled(text: string, ids: ReadonlyMap<string, number>): string {
  return text.replace(/\{([a-z]+)\}/g, (_whole, name: string) => {
    const id = ids.get(name);
    if (id === undefined) throw new Error(`no earlier step captured {${name}}`);
    return String(id);
  });
}
