import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RunningServer {
  port: number;
  /** Stops accepting, lets requests in flight finish within `drainMs`, then cuts what is left. */
  stop(drainMs: number): Promise<void>;
}

/** Starts an HTTP server; port 0 takes a free one. Rejects when the port is taken. */
export async function startServer(
  handler: RequestListener,
  port: number,
  host: string,
): Promise<RunningServer> {
  let stopping = false;
  const unanswered = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    unanswered.add(response);
    response.once('close', () => unanswered.delete(response));
    if (stopping) response.setHeader('connection', 'close');
    handler(request, response);
  });
  // Longer than the proxies before us keep a connection: they must be the ones who close.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: boundPort(server.address()),
    async stop(drainMs) {
      stopping = true;
      for (const response of unanswered) {
        if (!response.headersSent) response.setHeader('connection', 'close');
      }
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const cut = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function boundPort(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP port');
  return address.port;
}
