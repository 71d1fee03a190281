import { Router } from 'express';
import { z } from 'zod';
import type { Db } from '../database.ts';
import { listOrders } from '../orders/order.ts';
import { parseInput } from '../web/input.ts';
import { type Callers, callerOf, SESSION_COOKIE } from './caller.ts';
import { accountPage, loginPage } from './pages.ts';
import { TOKEN_SECONDS, type Tokens } from './token.ts';
import { authenticate, deleteUser, findUser, registerUser } from './user.ts';

const email = z.email().max(254);
const registration = z.object({
  email,
  password: z.string().min(8).max(200),
  name: z.string().trim().min(1).max(100),
});
const credentials = z.object({ email, password: z.string().max(200) });

export function userRoutes(db: Db, tokens: Tokens, callers: Callers): Router {
  const router = Router();

  router.post('/api/users', async (request, response) => {
    response.status(201).json(await registerUser(db, parseInput(registration, request.body)));
  });

  router.delete('/api/users/me', callers.bearer, async (_request, response) => {
    await deleteUser(db, callerOf(response));
    response.status(204).end();
  });

  router.post('/api/sessions', async (request, response) => {
    const { email, password } = parseInput(credentials, request.body);
    const token = await tokens.issue(await authenticate(db, email, password));
    response.cookie(SESSION_COOKIE, token, {
      httpOnly: true,
      sameSite: 'lax',
      path: '/',
      maxAge: TOKEN_SECONDS * 1000,
    });
    response.status(201).json({ token });
  });

  router.get('/.well-known/jwks.json', (_request, response) => {
    response.set('cache-control', 'public, max-age=300').json(tokens.jwks);
  });

  router.get('/login', (_request, response) => {
    response.type('html').send(loginPage());
  });

  router.get('/account', callers.page, async (_request, response) => {
    const userId = callerOf(response);
    const user = await findUser(db, userId);
    response.set('cache-control', 'private, no-store').type('html');
    if (user) response.send(accountPage(user, await listOrders(db, userId, 10)));
    else response.status(401).send(loginPage());
  });

  return router;
}
