import { connect, createServer, type Socket } from 'node:net';

export interface SeveringProxy {
  port: number;
  /** How often a connection was cut. */
  severed(): number;
  stop(): Promise<void>;
}

/**
 * A way to a database that cuts the connection once the server answers a statement with `text` in it: the statement
 * has its effect, and nobody hears of it. Only the first such statement; everything else passes.
 */
export async function startSeveringProxy(target: number, text: string): Promise<SeveringProxy> {
  let severed = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let doomed = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => {
      if (severed === 0 && chunk.includes(text)) doomed = true;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (!doomed) return client.write(chunk);
      severed += 1;
      client.destroy();
      upstream.destroy();
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    severed: () => severed,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
