import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { bearerToken } from '../users/caller.ts';
import { unauthenticated } from './refusal.ts';

/** Lets only our own services pass, who know the token. */
export function requireInternalToken(token: string): RequestHandler {
  const expected = digest(token);
  return (request, _response, next) => {
    if (!timingSafeEqual(digest(bearerToken(request) ?? ''), expected)) throw unauthenticated();
    next();
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
