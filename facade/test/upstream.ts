import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: string[];
}

/** A real HTTP server that notes what it is asked and answers with its name, or as a test says. */
export class TestUpstream {
  readonly name: string;
  readonly server: http.Server;
  readonly seen: Seen[] = [];
  handler: (request: IncomingMessage, response: ServerResponse) => void;

  private constructor(name: string) {
    this.name = name;
    this.handler = this.answer;
    this.server = http.createServer((request, response) => {
      const { method = '', url = '', headers, rawHeaders } = request;
      this.seen.push({ method, url, headers, rawHeaders });
      this.handler(request, response);
    });
  }

  readonly answer = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    request.once('end', () => {
      const body = JSON.stringify({ from: this.name, url: request.url });
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
    });
  };

  static async start(name: string): Promise<TestUpstream> {
    const upstream = new TestUpstream(name);
    await new Promise<void>((resolve) => upstream.server.listen(0, '127.0.0.1', resolve));
    afterAll(() => upstream.stop());
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}
