import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf, StranglerError, waitFor } from '@strangler/errors';
import express from 'express';
import { passUpgrade } from './exchange/upgrade.ts';
import type { Log } from './log.ts';
import type { Reception } from './reception.ts';

/** How long requests in flight may take to end when the facade leaves. */
const drainMs = 10_000;

/** The server that clients reach. */
export interface PublicServer {
  readonly server: Server;
  /**
   * Takes no new connections, lets requests in flight end within a bound, and closes what is left. WebSockets, which
   * have no end of their own, are closed at once.
   */
  drain(boundMs?: number): Promise<void>;
}

/** Every method and path goes to the reception, WebSocket upgrades too. */
export function createPublicServer(reception: Reception, log: Log): PublicServer {
  const open = new Set<ServerResponse>();
  const upgraded = new Set<Socket>();
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    reception.receive(request, response);
  });
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
      shouldUpgradeCallback: isWebSocket,
    },
    app,
  );
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    socket.on('error', () => socket.destroy());
    try {
      passUpgrade(reception, request, socket, head);
    } catch (error) {
      log.error({ err: error }, 'an upgrade failed in the facade');
      socket.destroy();
    }
  });
  return {
    server,
    async drain(boundMs = drainMs) {
      for (const socket of upgraded) socket.destroySoon();
      const closed = closeServer(server);
      await waitFor(() => open.size === 0 || undefined, { timeoutMs: boundMs, what: 'the drain' }).catch(
        () => {
          log.warn({ requests: open.size }, 'requests were cut off');
        },
      );
      for (const socket of upgraded) socket.destroy();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Stops listening; settles once the last connection has ended. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
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
