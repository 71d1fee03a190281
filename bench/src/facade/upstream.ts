import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerCalls } from '../child.ts';

/** What is passed on to: a monolith and a service that answer every request alike, with 1 KB of JSON. */
const body = Buffer.from(JSON.stringify({ from: 'upstream', text: 'x'.repeat(990) }));
const servers = [0, 1].map(() =>
  http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  }),
);

answerCalls({
  listen: () =>
    Promise.all(
      servers.map(
        (server) =>
          new Promise((resolve) => {
            server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
          }),
      ),
    ),
});
