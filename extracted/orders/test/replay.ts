import type { TestDatabase } from '@strangler/cluster/testing';
import {
  type Cassette,
  type ContextCall,
  compareAnswers,
  compareJson,
  type Difference,
  describeDifference,
  type Exchange,
  IdPairs,
  type Json,
  parseJson,
  type Rule,
  readAnswer,
  type Seed,
} from '@strangler/parity';
import nock from 'nock';
import { z } from 'zod';

/** Where the service believes the monolith to be; nock answers in its name. */
export const MONOLITH = 'http://monolith.test';

/** Ids above this are the service's own in a replay, below are seeded. */
const FIRST_OWN_ID = 900;

/** Fills the service's tables with the rows that a copy would have carried. */
export async function loadSeed(database: TestDatabase, seed: Seed): Promise<void> {
  for (const table of ['customer_order', 'order_line', 'request_key']) {
    for (const row of seed[table] ?? []) {
      const columns = Object.keys(row);
      const places = columns.map((_column, index) => `$${index + 1}`);
      await database.query(
        `insert into orders.${table} (${columns.join(', ')}) values (${places.join(', ')})`,
        Object.values(row),
      );
    }
  }
  for (const sequence of ['orders.customer_order_id', 'orders.order_line_line_id_seq']) {
    await database.query('select setval($1, $2)', [sequence, FIRST_OWN_ID]);
  }
}

export interface Replayer {
  /**
   * Lives a recorded journey against the service and returns every place where it does not answer alike, one line
   * each. A call to the contexts that was not recorded, or is left out, is a difference, too.
   */
  replay(cassette: Cassette): Promise<string[]>;
  stop(): void;
}

export interface ReplaySettings {
  serviceUrl: string;
  jwks: unknown;
  tokenFor(user: number): Promise<string>;
}

/** Lets nock answer for the monolith: its keys, and inventory and payments as they were recorded. */
export function createReplayer(settings: ReplaySettings): Replayer {
  let contexts = new RecordedContexts([], new IdPairs());
  nock.disableNetConnect();
  nock.enableNetConnect('127.0.0.1');
  nock(MONOLITH).persist().get('/.well-known/jwks.json').reply(200, JSON.stringify(settings.jwks));
  nock(MONOLITH)
    .persist()
    .post(/^\/internal\//)
    .reply(
      async (request: Request): Promise<[number, string]> =>
        contexts.answer(new URL(request.url).pathname, await request.json()),
    );
  return {
    async replay(cassette) {
      const journey: Journey = { cassette, ids: new IdPairs(), captured: new Map() };
      const lines: string[] = [];
      for (const exchange of cassette.exchanges) {
        contexts = new RecordedContexts(exchange.calls, journey.ids);
        const differences = [
          ...(await replayExchange(settings, exchange, journey)),
          ...contexts.differences(),
        ];
        const route = `${exchange.request.method} ${exchange.request.path}`;
        const sides = { left: 'monolith', right: 'service' };
        lines.push(...differences.map((found) => describeDifference(route, found, sides)));
      }
      return lines;
    },
    stop() {
      nock.cleanAll();
      nock.enableNetConnect();
      nock.restore();
    },
  };
}

interface Journey {
  cassette: Cassette;
  ids: IdPairs;
  /** Ids that the service gave out, by the name under which the recording captured its own. */
  captured: Map<string, number>;
}

async function replayExchange(
  settings: ReplaySettings,
  exchange: Exchange,
  journey: Journey,
): Promise<Difference[]> {
  const { method, path, as, key, body } = exchange.request;
  const headers: Record<string, string> = {};
  if (as !== undefined) headers['authorization'] = `Bearer ${await settings.tokenFor(as)}`;
  if (key !== undefined) headers['idempotency-key'] = key;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(new URL(filled(path, journey.captured), settings.serviceUrl), {
    method,
    headers,
    ...(body === undefined ? {} : { body: filled(body, journey.captured) }),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = await readAnswer(response);
  if (exchange.capture !== undefined && answer.status < 400) {
    journey.captured.set(exchange.capture, withId.parse(JSON.parse(answer.body)).id);
  }
  return compareAnswers(exchange.answer, answer, { body: journey.cassette.rules, ids: journey.ids });
}

const withId = z.object({ id: z.number() });
const withOrderId = z.looseObject({ orderId: z.number() });
/** What the service sends must be what was recorded, for the order that its own answers show. */
const CALL_RULES: Rule[] = [{ path: '$.orderId', as: 'id', sameUpTo: 50 }];

/** Inventory and payments during one exchange. */
class RecordedContexts {
  readonly #open: ContextCall[];
  readonly #ids: IdPairs;
  readonly #found: Difference[] = [];

  constructor(calls: readonly ContextCall[], ids: IdPairs) {
    this.#open = [...calls];
    this.#ids = ids;
  }

  answer(path: string, body: unknown): [number, string] {
    const index = this.#open.findIndex((call) => call.path === path);
    const call = this.#open[index];
    if (call === undefined) {
      this.#found.push({ path: `call ${path}`, left: 'nothing', right: JSON.stringify(body) });
      return [501, '{"error":"not recorded"}'];
    }
    this.#open.splice(index, 1);
    const found = compareJson(jsonOf(call.body), jsonOf(body), CALL_RULES, this.#ids);
    this.#found.push(...found.map((each) => ({ ...each, path: `call ${path} ${each.path}` })));
    return [call.status, JSON.stringify(addressed(call.answer, body))];
  }

  /** What was asked otherwise than recorded, and what was not asked at all. */
  differences(): Difference[] {
    const missing = this.#open.map((call) => ({
      path: `call ${call.path}`,
      left: JSON.stringify(call.body),
      right: 'nothing',
    }));
    return [...this.#found, ...missing];
  }
}

/** The recorded answer for the order that was asked for. */
function addressed(answer: unknown, body: unknown): unknown {
  const recorded = withOrderId.safeParse(answer);
  return recorded.success ? { ...recorded.data, orderId: withOrderId.parse(body).orderId } : answer;
}

function jsonOf(value: unknown): Json {
  return parseJson(JSON.stringify(value));
}

function filled(text: string, captured: ReadonlyMap<string, number>): string {
  return text.replace(/\{([a-z]+)\}/g, (whole, name: string) => String(captured.get(name) ?? whole));
}
