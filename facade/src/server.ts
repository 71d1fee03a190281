import http, { type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf, pause, StranglerError } from '@strangler/errors';
import express from 'express';
import { passUpgrade } from './exchange/upgrade.ts';
import type { Log } from './log.ts';
import type { Reception } from './reception.ts';

/** How long requests in flight may take to end when the facade leaves. */
const drainMs = 10_000;

/** The public server: every method and path goes to the reception, WebSocket upgrades too. */
export function createPublicServer(reception: Reception, log: Log): Server {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((request, response) => reception.receive(request, response));
  app.use((error: unknown, _request: unknown, response: express.Response, _next: unknown) => {
    log.error({ err: error }, 'a request failed in the facade');
    if (response.headersSent) response.destroy();
    else response.status(500).json({ error: 'facade' });
  });
  const server = http.createServer(
    {
      // Longer than a load balancer's, so that it is the one that closes.
      keepAliveTimeout: 65_000,
      // An offer of h2c is no reason to treat a request as anything else.
      shouldUpgradeCallback: (request) => isWebSocket(request),
    },
    app,
  );
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    passUpgrade(reception, request, socket, head);
  });
  return server;
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
}

/** Listens; the port that it got. @throws StranglerError PORT_TAKEN. */
export async function listenOn(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((error: unknown) => {
    throw new StranglerError(
      'PORT_TAKEN',
      `The facade cannot listen on ${host}:${port}: ${messageOf(error)}.`,
      'Free the port, or choose others with FACADE_PORT and FACADE_ADMIN_PORT.',
      { cause: error },
    );
  });
  return (server.address() as AddressInfo).port;
}

/** Takes no new connections, lets requests in flight end within a bound, and closes what is left. */
export async function drain(server: Server, boundMs = drainMs): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const bound = new AbortController();
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const late = pause(boundMs, bound.signal).then(
    () => server.closeAllConnections(),
    () => {},
  );
  await Promise.race([closed, late.then(() => closed)]);
  clearInterval(idle);
  bound.abort();
  await late;
}
