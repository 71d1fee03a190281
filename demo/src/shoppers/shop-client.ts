import { messageOf } from '@strangler/errors';
import { Agent } from 'undici';
import type { Traffic } from './traffic.ts';

/** One request of a shopper. */
export interface ShopRequest {
  /** The name under which it is counted. */
  route: string;
  method: 'GET' | 'POST';
  path: string;
  token?: string | undefined;
  key?: string | undefined;
  cookies?: Map<string, string> | undefined;
  body?: unknown;
}

/** What came back; status 0 when nothing did. */
export interface Answer {
  status: number;
  text: string;
  endedAt: number;
}

/** Long enough for any bounded hold of the facade; nobody waits for ever. */
const timeoutMs = 15_000;

/** Sends the shoppers' requests to the facade over connections that stay open, and never twice. */
export class ShopClient {
  readonly #agent = new Agent({
    connections: 512,
    pipelining: 0,
    keepAliveTimeout: 30_000,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connectTimeout: 5_000,
  });
  readonly #origin: string;
  readonly #traffic: Traffic;

  constructor(origin: string, traffic: Traffic) {
    this.#origin = origin;
    this.#traffic = traffic;
  }

  /** @param expected the statuses that are no failure */
  async send(request: ShopRequest, expected: readonly number[]): Promise<Answer> {
    const { step } = this.#traffic;
    const startedAt = performance.now();
    let answer: Answer;
    let target: string | undefined;
    try {
      const response = await this.#agent.request({
        origin: this.#origin,
        path: request.path,
        method: request.method,
        headers: headersOf(request),
        body: request.body === undefined ? null : JSON.stringify(request.body),
      });
      const text = await response.body.text();
      target = single(response.headers['x-strangler-target']);
      if (request.cookies) keepCookies(request.cookies, response.headers['set-cookie']);
      answer = { status: response.statusCode, text, endedAt: performance.now() };
      if (!expected.includes(answer.status)) {
        const reason = single(response.headers['x-strangler-reason']) ?? '';
        this.#traffic.fail({
          step,
          route: request.route,
          status: answer.status,
          said: `${target ?? ''} ${reason} ${text.slice(0, 200)}`,
        });
      }
    } catch (error) {
      answer = { status: 0, text: '', endedAt: performance.now() };
      this.#traffic.fail({ step, route: request.route, status: 0, said: messageOf(error) });
    }
    this.#traffic.answered(step, request.route, target, answer.endedAt - startedAt);
    return answer;
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

function headersOf(request: ShopRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  if (request.token !== undefined) headers['authorization'] = `Bearer ${request.token}`;
  if (request.key !== undefined) headers['idempotency-key'] = request.key;
  if (request.cookies?.size)
    headers['cookie'] = [...request.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  return headers;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function keepCookies(cookies: Map<string, string>, header: string | string[] | undefined): void {
  for (const line of header === undefined ? [] : [header].flat()) {
    const [name, value] = line.split(';', 1)[0]?.split(/=(.*)/s) ?? [];
    if (name && value !== undefined) cookies.set(name.trim(), value);
  }
}
