import type { Request, RequestHandler, Response } from 'express';
import { unauthenticated } from '../web/refusal.ts';
import { loginPage } from './pages.ts';
import type { Tokens } from './token.ts';

export const SESSION_COOKIE = 'session';

export interface Callers {
  /** Lets a request pass with a valid bearer token: for the API. */
  bearer: RequestHandler;
  /** Lets a request pass with a bearer token or the session's cookie; others see the login page. */
  page: RequestHandler;
}

export function createCallers(tokens: Tokens): Callers {
  return {
    async bearer(request, response, next) {
      const userId = await userOf(tokens, bearerToken(request));
      if (userId === undefined) throw unauthenticated();
      response.locals['userId'] = userId;
      next();
    },
    async page(request, response, next) {
      const userId = await userOf(tokens, bearerToken(request) ?? cookie(request, SESSION_COOKIE));
      if (userId === undefined) {
        response.status(401).type('html').send(loginPage());
        return;
      }
      response.locals['userId'] = userId;
      next();
    },
  };
}

/** The id of the user that was let pass. */
export function callerOf(response: Response): number {
  const userId: unknown = response.locals['userId'];
  if (typeof userId !== 'number') throw new Error('the route lets everybody pass');
  return userId;
}

async function userOf(tokens: Tokens, token: string | undefined): Promise<number | undefined> {
  return token === undefined ? undefined : tokens.userOf(token);
}

/** The token of `authorization: Bearer …`, whoever may have issued it. */
export function bearerToken(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '')?.[1];
}

function cookie(request: Request, name: string): string | undefined {
  for (const part of (request.get('cookie') ?? '').split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}
