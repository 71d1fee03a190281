import { Router } from 'express';
import { send } from './answer.ts';
import type { Queryable } from './database.ts';

/**
 * `/health`: the process lives. `/ready`: it can answer, which needs its own database and nothing else; a service
 * that doesn't own its tables is ready, too, since it answers reads.
 */
export function healthRoutes(database: Queryable): Router {
  const router = Router();
  router.get('/health', (_request, response) => send(response, { status: 200, body: { status: 'ok' } }));
  router.get('/ready', async (_request, response) => {
    try {
      await database.query('select 1');
      send(response, { status: 200, body: { status: 'ready' } });
    } catch {
      send(response, { status: 503, body: { status: 'database_unreachable' } });
    }
  });
  return router;
}
