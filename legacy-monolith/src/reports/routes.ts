import { Router } from 'express';
import type { Db } from '../database.ts';
import type { Callers } from '../users/caller.ts';
import { salesReport } from './sales.ts';

export function reportRoutes(db: Db, callers: Callers): Router {
  const router = Router();
  router.get('/api/reports/sales', callers.bearer, async (_request, response) => {
    response.json(await salesReport(db));
  });
  return router;
}
