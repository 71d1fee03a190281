import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { createProxyMiddleware, type Plugin, type RequestHandler } from 'http-proxy-middleware';

/** An idle upstream is given up after this long. */
const idleMs = 120_000;

/** Called back about one request that was passed on: it is answered, or it fails. */
export interface Passage {
  answered(answer: IncomingMessage): void;
  failed(error: Error): void;
}

/** A request with its passage. A property, since a WeakMap with as many entries as requests costs the collector much. */
const passageOf = Symbol('passage');
interface PassedRequest extends IncomingMessage {
  [passageOf]?: Passage;
}

/** One place requests are passed on to, over connections that are kept open. */
export class Upstream {
  readonly url: string;
  readonly #proxy: RequestHandler;
  readonly #agent: http.Agent;

  constructor(url: string) {
    this.url = url;
    const target = new URL(url);
    const settings = { keepAlive: true, maxSockets: 1_024, maxFreeSockets: 256 };
    this.#agent = target.protocol === 'https:' ? new https.Agent(settings) : new http.Agent(settings);
    this.#proxy = createProxyMiddleware({
      target,
      agent: this.#agent,
      proxyTimeout: idleMs,
      selfHandleResponse: true,
      ejectPlugins: true,
      plugins: [this.#events()],
    });
  }

  /** Streams a request there. The answer is the passage's to send; a client that goes away takes it along. */
  pass(request: PassedRequest, response: ServerResponse, passage: Passage): void {
    request[passageOf] = passage;
    void this.#proxy(request, response, (error) => {
      if (error !== undefined) passage.failed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#proxy.upgrade(request, socket, head);
  }

  close(): void {
    this.#agent.destroy();
  }

  #events(): Plugin {
    return (proxy) => {
      proxy.on('proxyRes', (answer, request: PassedRequest) => request[passageOf]?.answered(answer));
      proxy.on('error', (error, request: PassedRequest | undefined, response) => {
        const passage = request?.[passageOf];
        if (passage) passage.failed(error);
        else if (response && !('writeHead' in response)) response.destroy();
      });
      proxy.on('econnreset', (error, request: PassedRequest) => request[passageOf]?.failed(error));
      proxy.on('open', (socket) => socket.on('error', () => socket.destroy()));
    };
  }
}
