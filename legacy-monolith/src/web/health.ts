import { Router } from 'express';
import type { Db } from '../database.ts';

/** `/health`: the process lives. `/ready`: it can work, which needs its database. */
export function healthRoutes(db: Db, draining: () => boolean): Router {
  const router = Router();
  router.get('/health', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/ready', async (_request, response) => {
    const ready = !draining() && (await answers(db));
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not_ready' });
  });
  return router;
}

async function answers(db: Db): Promise<boolean> {
  try {
    await db.raw('select 1').timeout(2_000);
    return true;
  } catch {
    return false;
  }
}
