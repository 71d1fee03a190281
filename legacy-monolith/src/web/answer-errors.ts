import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import { Refusal } from './refusal.ts';

/** The last handler: answers what was thrown, and logs what nobody expected. */
export function answerErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof Refusal) {
      response.status(error.status).json(error.body);
      return;
    }
    const status = clientFault(error);
    if (status !== undefined) {
      response.status(status).json({ error: 'invalid_request', issues: [] });
      return;
    }
    logger.error({ err: error, method: request.method, path: request.path }, 'request failed');
    response.status(500).json({ error: 'internal' });
  };
}

/** The body parser marks what the client got wrong (no JSON, too large) with a 4xx status. */
function clientFault(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  return error.status >= 400 && error.status < 500 ? error.status : undefined;
}
