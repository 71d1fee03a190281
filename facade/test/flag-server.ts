import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

/** A real server that speaks the part of Unleash's client API that a facade asks for. */
export class FlagServer {
  readonly server: http.Server;
  /** Flag → percentage; set it at any time. */
  readonly flags = new Map<string, number>();
  status = 200;
  polls = 0;

  private constructor() {
    this.server = http.createServer((request, response) => {
      request.resume();
      if (!request.url?.startsWith('/api/client/features')) {
        response.writeHead(202).end();
        return;
      }
      this.polls += 1;
      response
        .writeHead(this.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(this.#features()));
    });
  }

  static async start(port = 0): Promise<FlagServer> {
    const server = new FlagServer();
    await new Promise<void>((resolve) => server.server.listen(port, '127.0.0.1', resolve));
    afterAll(() => server.stop());
    return server;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  #features() {
    const features = [...this.flags].map(([name, rollout]) => ({
      name,
      type: 'release',
      enabled: true,
      strategies: [
        {
          name: 'flexibleRollout',
          parameters: { rollout: String(rollout), stickiness: 'userId', groupId: 'orders' },
          constraints: [],
        },
      ],
      variants: [],
    }));
    return { version: 2, features };
  }
}
