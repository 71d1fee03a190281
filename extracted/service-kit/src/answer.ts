import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { sqlState } from './database.ts';
import type { Logger } from './logging.ts';
import { NOT_OWNER } from './ownership.ts';
import { RemoteUnavailable } from './remote.ts';
import { KeysUnavailable, type TokenVerifier } from './tokens.ts';

/** What a request is answered with, decided apart from the HTTP machinery. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export function send(response: Response, answer: Answer): void {
  response
    .status(answer.status)
    .set(answer.headers ?? {})
    .json(answer.body);
}

/** This side may not write now, and has written nothing that anybody else could see: safe to send elsewhere. */
export const notOwner: Answer = {
  status: 503,
  body: { error: 'not_owner' },
  headers: { 'retry-after': '1', 'x-nothing-written': 'true' },
};

/** Something that the answer depends on is out of reach for now. */
export const unavailable: Answer = {
  status: 503,
  body: { error: 'unavailable' },
  headers: { 'retry-after': '1' },
};

const unauthenticated: Answer = { status: 401, body: { error: 'unauthenticated' } };

/** Lets a request pass with its bearer token's subject, a numeric customer id, in `response.locals.customer`. */
export function requireCustomer(verifier: TokenVerifier): RequestHandler {
  return async (request, response, next) => {
    const token = bearerToken(request);
    const subject = token === undefined ? undefined : await verifier.subject(token);
    if (subject === undefined || !/^[1-9]\d{0,17}$/.test(subject)) return send(response, unauthenticated);
    response.locals['customer'] = subject;
    next();
  };
}

/** The customer that `requireCustomer` let pass. */
export function customerOf(response: Response): string {
  const customer: unknown = response.locals['customer'];
  if (typeof customer !== 'string') throw new Error('the route is not behind requireCustomer');
  return customer;
}

function bearerToken(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '')?.[1];
}

/** The last handler of a service: turns what was thrown into an answer and logs what nobody expected. */
export function answerErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    if (sqlState(error) === NOT_OWNER) return send(response, notOwner);
    const status = clientFault(error);
    if (status !== undefined)
      return send(response, { status, body: { error: 'invalid_request', issues: [] } });
    logger.error({ err: error, method: request.method, path: request.path }, 'request failed');
    if (error instanceof RemoteUnavailable || error instanceof KeysUnavailable)
      return send(response, unavailable);
    send(response, { status: 500, body: { error: 'internal' } });
  };
}

/** Body parsers mark what the client got wrong (no JSON, too large) with a 4xx status. */
function clientFault(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  return error.status >= 400 && error.status < 500 ? error.status : undefined;
}
