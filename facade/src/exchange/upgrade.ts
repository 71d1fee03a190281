import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Reception } from '../reception.ts';
import { cleanUpgrade } from './headers.ts';

/** Passes a WebSocket on to whoever answers its route now. An upgrade never waits. */
export function passUpgrade(
  reception: Reception,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  const upstream = reception.upstreamFor(request);
  if (!upstream) {
    socket.end(
      'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
    return;
  }
  cleanUpgrade(request);
  upstream.upgrade(request, socket, head);
}
