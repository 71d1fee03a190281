import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from './logging.ts';

export interface RunningServer {
  port: number;
  /** Stops accepting, lets requests in flight finish within the drain time, then cuts what is left. */
  stop(): Promise<void>;
}

export interface ServerSettings {
  handler: RequestListener;
  port: number;
  host: string;
  logger: Logger;
  /** How long requests in flight may take to finish when the server stops, in milliseconds. */
  drainMs: number;
}

/** Starts an HTTP server. Rejects when the port is taken. */
export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  let draining = false;
  const inFlight = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    inFlight.add(response);
    response.once('close', () => inFlight.delete(response));
    if (draining) endConnectionAfter(response);
    settings.handler(request, response);
  });
  // Longer than the proxies before us keep a connection: they must be the ones who close.
  server.keepAliveTimeout = 65_000;
  await listen(server, settings.port, settings.host);
  return {
    port: boundPort(server),
    async stop() {
      draining = true;
      for (const response of inFlight) endConnectionAfter(response);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => {
        settings.logger.warn('requests outlived the drain time and were cut');
        server.closeAllConnections();
      }, settings.drainMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

/** A connection that is kept alive would hold up the stop. */
function endConnectionAfter(response: ServerResponse): void {
  if (response.headersSent) response.once('finish', () => response.req.socket.destroySoon());
  else response.setHeader('connection', 'close');
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function boundPort(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP port');
  return address.port;
}
