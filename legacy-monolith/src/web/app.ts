import express, { type Express, Router } from 'express';
import type { Logger } from 'pino';
import { cartRoutes } from '../cart/routes.ts';
import { catalogRoutes } from '../catalog/routes.ts';
import type { Db } from '../database.ts';
import { inventoryRoutes } from '../inventory/routes.ts';
import { orderRoutes } from '../orders/routes.ts';
import { paymentRoutes } from '../payments/routes.ts';
import { reportRoutes } from '../reports/routes.ts';
import { shippingRoutes } from '../shipping/routes.ts';
import { createCallers } from '../users/caller.ts';
import { userRoutes } from '../users/routes.ts';
import type { Tokens } from '../users/token.ts';
import { answerErrors } from './answer-errors.ts';
import { healthRoutes } from './health.ts';
import { requireInternalToken } from './internal-token.ts';
import { STYLESHEET } from './layout.ts';
import { notFound } from './refusal.ts';

export interface AppParts {
  db: Db;
  tokens: Tokens;
  internalToken: string;
  logger: Logger;
  draining: () => boolean;
}

/** The whole shop as one HTTP handler. */
export function createApp({ db, tokens, internalToken, logger, draining }: AppParts): Express {
  const callers = createCallers(tokens);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(express.json({ limit: '100kb' }));

  app.use(healthRoutes(db, draining));
  app.use(catalogRoutes(db));
  app.use(orderRoutes(db, callers));
  app.use(userRoutes(db, tokens, callers));
  app.use(cartRoutes(db, callers));
  app.use(reportRoutes(db, callers));
  app.use(shippingRoutes());
  app.get('/shop.css', (_request, response) => {
    response.set('cache-control', 'public, max-age=3600').type('css').send(STYLESHEET);
  });

  const internal = Router();
  internal.use(requireInternalToken(internalToken));
  internal.use('/inventory', inventoryRoutes(db));
  internal.use('/payments', paymentRoutes(db));
  app.use('/internal', internal);

  app.use(() => {
    throw notFound();
  });
  app.use(answerErrors(logger));
  return app;
}
