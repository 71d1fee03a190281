import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Speaks the part of Unleash's client API that a facade polls once a second: one flag, on for everyone. */
export async function startFlagServer(flag: string): Promise<{ url: string; stop(): Promise<void> }> {
  const feature = {
    name: flag,
    type: 'release',
    enabled: true,
    strategies: [
      {
        name: 'flexibleRollout',
        parameters: { rollout: '100', stickiness: 'userId', groupId: 'bench' },
        constraints: [],
      },
    ],
    variants: [],
  };
  const server = http.createServer((request, response) => {
    request.resume();
    if (request.url?.startsWith('/api/client/features'))
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ version: 2, features: [feature] }));
    else response.writeHead(202).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
