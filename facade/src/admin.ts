import http, { type Server } from 'node:http';
import type { Metrics } from './metrics.ts';

/** Health, readiness and metrics, on a port that clients do not reach. */
export function createAdminServer(options: { isReady: () => boolean; metrics: Metrics }): Server {
  return http.createServer((request, response) => {
    const send = (status: number, text: string, type = 'application/json') => {
      response
        .writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) })
        .end(text);
    };
    const path = request.url?.split('?')[0];
    if (path === '/health') send(200, '{"ok":true}');
    else if (path === '/ready')
      send(options.isReady() ? 200 : 503, JSON.stringify({ ready: options.isReady() }));
    else if (path === '/metrics')
      options.metrics.text().then(
        (text) => send(200, text, 'text/plain; version=0.0.4; charset=utf-8'),
        () => send(500, '{"error":"metrics"}'),
      );
    else send(404, '{"error":"not_found"}');
  });
}
