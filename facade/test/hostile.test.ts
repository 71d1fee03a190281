import http from 'node:http';
import net from 'node:net';
import { waitFor } from '@strangler/errors';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ask, openShop, type TestFacade, type TestShop } from './shop.ts';

let shop: TestShop;
let facade: TestFacade;
beforeAll(async () => {
  shop = await openShop();
  facade = await shop.facade();
});
afterEach(() => {
  shop.monolith.handler = shop.monolith.answer;
  shop.monolith.seen.length = 0;
});

/** Sends bytes as they are, and gives back what comes until the connection ends or `isEnough`. */
function raw(text: string, isEnough: (answer: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(facade.port, '127.0.0.1', () => socket.write(text));
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no end after: ${answer}`)));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (isEnough(answer)) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

const seen = () => shop.monolith.seen[0];

describe('headers', () => {
  test('hop-by-hop fields stay behind in both directions, and everything else passes as it was', async () => {
    shop.monolith.handler = (_request, response) => {
      response.writeHead(200, [
        ...[
          'Connection',
          'close, X-Private',
          'X-Private',
          '1',
          'Keep-Alive',
          'timeout=0',
          'Proxy-Authenticate',
          'Basic',
        ],
        ...[
          'X-Twice',
          'a',
          'X-Twice',
          'b',
          'Set-Cookie',
          'a=1',
          'Set-Cookie',
          'b=2',
          'ETag',
          '"x"',
          'Content-Length',
          '2',
        ],
        ...['x-strangler-target', 'forged'],
      ]);
      response.end('ok');
    };
    const answer = await raw(
      'GET /x?a[b]=%2F HTTP/1.1\r\nHost: shop.example\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\n' +
        'Proxy-Authorization: Basic x\r\nX-Forwarded-For: 9.9.9.9\r\nx-strangler-write: forged\r\nX-Kept: 1\r\n\r\n',
    );
    expect(seen()?.url).toBe('/x?a[b]=%2F');
    const headers = seen()?.headers ?? {};
    expect(headers).toMatchObject({
      host: 'shop.example',
      'x-kept': '1',
      'x-forwarded-for': '9.9.9.9, 127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.example',
    });
    for (const gone of ['x-hop', 'te', 'proxy-authorization', 'x-strangler-write'])
      expect(headers).not.toHaveProperty(gone);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(answer).toContain('X-Twice: a\r\nX-Twice: b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nETag: "x"');
    expect(answer).toContain('x-strangler-target: monolith');
    expect(answer).not.toMatch(/X-Private|Proxy-Authenticate|forged|timeout=0|X-Powered-By/i);
  });

  test('an absolute target is passed on as a path, and its authority as the host', async () => {
    await raw('GET http://shop.example/x HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n');
    expect(seen()).toMatchObject({ url: '/x', headers: { host: 'shop.example' } });
  });

  test('a client may not say what only the facade says, also when it expects 100-continue', async () => {
    const answer = await raw(
      'POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nx-strangler-write: forged\r\nContent-Length: 2\r\n' +
        'Connection: close\r\n\r\nhi',
    );
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
    expect(seen()?.headers).not.toHaveProperty('x-strangler-write');
    expect(seen()?.headers).toHaveProperty('x-forwarded-for');
  });
});

describe('framing', () => {
  test.each([
    [
      'both lengths',
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['two lengths', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde'],
    ['a bare line feed', 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\n chunked\r\n\r\n0\r\n\r\n'],
  ])('a request with %s is refused and reaches nobody', async (_what, text) => {
    expect(await raw(text)).toMatch(/^HTTP\/1.1 400/);
    expect(seen()).toBeUndefined();
  });

  test('a coding that would be lost on the way is refused', async () => {
    const answer = await raw(
      'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      (text) => text.includes('}'),
    );
    expect(answer).toMatch(/^HTTP\/1.1 501/);
    expect(seen()).toBeUndefined();
  });

  test.each(['POST', 'DELETE'])(
    'a chunked body of %s arrives whole, and nothing of it as another request',
    async (method) => {
      let body = '';
      shop.monolith.handler = (request, response) => {
        request.on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => response.end('ok'));
      };
      const inner = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
      const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
      await raw(
        `${method} /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk}`,
      );
      expect(body).toBe(inner);
      expect(shop.monolith.seen.map(({ url }) => url)).toEqual(['/x']);
    },
  );

  test('HTTP/1.0 and HEAD are answered as they must be', async () => {
    shop.monolith.handler = (_request, response) => {
      response.write('a');
      response.end('b');
    };
    expect(await raw('GET /x HTTP/1.0\r\n\r\n')).toMatch(/\r\n\r\nab$/);
    expect(await raw('HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(
      /200 OK[\s\S]*\r\n\r\n$/,
    );
  });
});

describe('streams', () => {
  test('20 MB pass in both directions', async () => {
    shop.monolith.handler = (request, response) => request.pipe(response);
    const sent = Buffer.alloc(20_000_000, 'x');
    const response = await fetch(`${facade.url}/upload`, { method: 'POST', body: sent });
    expect(Buffer.from(await response.arrayBuffer()).equals(sent)).toBe(true);
  });

  test('events arrive one by one', async () => {
    let next = () => {};
    shop.monolith.handler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      let events = 0;
      next = () => {
        events += 1;
        response.write(`data: ${events}\n\n`);
      };
    };
    const leave = new AbortController();
    const response = await fetch(`${facade.url}/events`, { signal: leave.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (const wanted of ['data: 1\n\n', 'data: 2\n\n']) {
      next();
      expect(await reader?.read()).toMatchObject({ value: wanted });
    }
    leave.abort();
  });

  test('an answer that comes during the upload is passed on', async () => {
    shop.monolith.handler = (_request, response) => {
      response.writeHead(413, { 'content-type': 'text/plain', 'content-length': 3 }).end('big');
    };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = http.request(`${facade.url}/upload`, { method: 'POST' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
      request.end(Buffer.alloc(20_000_000));
    });
    expect(status).toBe(413);
  });

  test.each(['/upload', '/api/orders'])(
    'a client that goes away during its upload takes the request to %s along',
    async (path) => {
      let aborted = false;
      shop.monolith.handler = (request) => {
        request.resume();
        request.on('error', () => {});
        request.on('close', () => {
          aborted = !request.complete;
        });
      };
      const request = http.request(facade.url + path, {
        method: 'POST',
        headers: { 'content-length': 1_000 },
      });
      request.on('error', () => {});
      request.write('begun');
      await waitFor(() => seen(), { timeoutMs: 3_000, what: 'the request arriving' });
      request.destroy();
      await waitFor(() => aborted || undefined, { timeoutMs: 3_000, what: 'the abort arriving' });
    },
  );

  test('an upstream that dies in its answer ends the client connection too', async () => {
    shop.monolith.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('part', () => response.socket?.resetAndDestroy());
    };
    await expect(fetch(`${facade.url}/x`).then((response) => response.text())).rejects.toThrow();
  });

  test.each([
    ['/x', 'GET', 'default'],
    ['/api/orders', 'POST', 'owner'],
  ])(
    'an upstream that dies before its answer to %s is a 502 without a stack',
    async (path, method, reason) => {
      shop.monolith.handler = (request) => request.socket.destroy();
      const response = await fetch(facade.url + path, { method });
      expect(response.status).toBe(502);
      expect(response.headers.get('x-strangler-reason')).toBe(reason);
      expect(await response.json()).toEqual({ error: 'upstream', code: 'ECONNRESET' });
      shop.monolith.handler = shop.monolith.answer;
      expect(await ask(facade.url, '/x')).toMatchObject({ status: 200 });
    },
  );
});

describe('upgrades', () => {
  test('a WebSocket passes both ways, text and bytes', async () => {
    const server = new WebSocketServer({ server: shop.monolith.server, path: '/live' });
    let headers: http.IncomingHttpHeaders = {};
    server.on('connection', (socket, request) => {
      headers = request.headers;
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const client = new WebSocket(`ws://127.0.0.1:${facade.port}/live`, {
      headers: { 'x-strangler-write': 'forged' },
    });
    const messages: string[] = [];
    client.on('message', (data) => messages.push(String(data)));
    await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject));
    client.send('hello');
    client.send(Buffer.from('bytes'));
    await waitFor(() => messages.length === 2 || undefined, { timeoutMs: 3_000, what: 'the echo' });
    expect(messages).toEqual(['hello', 'bytes']);
    expect(headers).toHaveProperty('x-forwarded-for');
    expect(headers).not.toHaveProperty('x-strangler-write');
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.close();
    await closed;
    server.close();
  });

  test('an upgrade that the upstream refuses, and one that is not for a WebSocket', async () => {
    const refused = await raw(
      'GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n' +
        'Sec-WebSocket-Version: 13\r\n\r\n',
      (text) => text.includes('monolith'),
    );
    expect(refused).toMatch(/^HTTP\/1.1 (200|400|426)/);
    const h2c = await raw(
      'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n',
    );
    expect(h2c).toMatch(/^HTTP\/1.1 200 OK/);
  });
});
