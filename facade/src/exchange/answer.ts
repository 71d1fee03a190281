import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Decision } from '../decide/decide.ts';
import { answerHeaders } from './headers.ts';

/** What the facade adds to every answer: who answered and why, cookies of its own, and whether it is leaving. */
export interface Additions {
  readonly target: string | undefined;
  readonly reason: string;
  readonly cookies: readonly string[];
  readonly closing: boolean;
}

function additions({ target, reason, cookies, closing }: Additions): string[] {
  const fields = ['x-strangler-reason', reason];
  if (target !== undefined) fields.push('x-strangler-target', target);
  for (const cookie of cookies) fields.push('Set-Cookie', cookie);
  if (closing) fields.push('Connection', 'close');
  return fields;
}

/** Streams an upstream's answer to the client. */
export function sendAnswer(answer: IncomingMessage, response: ServerResponse, added: Additions): void {
  const headers = answerHeaders(answer);
  headers.push(...additions(added));
  try {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', headers);
  } catch {
    // A status or a field that may be received but not sent.
    answer.destroy();
    sendOwn(response, 502, { error: 'upstream', code: 'INVALID_ANSWER' }, added);
    return;
  }
  // Events and other streams begin before their first byte; an answer of known length goes out in one piece.
  if (answer.headers['content-length'] === undefined) response.flushHeaders();
  answer.pipe(response);
}

/** An answer of the facade's own, as JSON without a stack. */
export function sendOwn(
  response: ServerResponse,
  status: number,
  body: Readonly<Record<string, string>>,
  added: Additions,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const text = JSON.stringify(body);
  const headers = ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(text))];
  if (status === 503) headers.push('Retry-After', '1', 'Cache-Control', 'no-store');
  headers.push(...additions(added));
  response.writeHead(status, headers);
  response.end(text);
}

/** What a client is told whose upstream did not answer. */
export function sendFailure(response: ServerResponse, error: Error, added: Additions): void {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'FAILED';
  sendOwn(response, 502, { error: 'upstream', code }, added);
}

/** What a client is told that is not passed on. */
export function refusal(decision: Extract<Decision, { kind: 'hold' | 'refuse' }>): Record<string, string> {
  const why = {
    'no-view': 'who owns this data is not known at the moment',
    hold: 'writes are on hold for a moment',
    late: 'your own change is not visible here yet',
  };
  return { error: 'try_again', reason: decision.reason, message: why[decision.reason] };
}
