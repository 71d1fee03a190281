import { createServer } from 'node:net';
import { StranglerError } from '@strangler/errors';

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  return listenOnce(0);
}

/**
 * Makes sure that nobody listens on the port.
 * @param what whose port it is, for the message
 * @param remedy what a person does about it, e.g. which variable names another port
 * @throws StranglerError PORT_TAKEN
 */
export async function assertPortFree(port: number, what: string, remedy: string): Promise<void> {
  try {
    await listenOnce(port);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const fact = code === 'EACCES' ? 'may not be opened by this user' : 'is in use';
    throw new StranglerError('PORT_TAKEN', `Port ${port} (${what}) ${fact}.`, remedy, { cause: error });
  }
}

function listenOnce(port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
    const address = server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    server.close(() => resolve(bound));
  });
  return promise;
}
