import http from 'node:http';
import { answerCalls } from '../child.ts';
import { type LoadOrder, loadOrder } from './order.ts';

/** Clients with a bearer token each, whose payload says who they are, as the shop's have. */
const tokens = Array.from({ length: 200 }, (_, n) => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { sub: String(n + 1), iss: 'shop', iat: 1_800_000_000, exp: 1_900_000_000 };
  return `Bearer ${part({ alg: 'ES256', kid: 'k1' })}.${part(payload)}.${'s'.repeat(86)}`;
});

/** Keeps `connections` requests under way until all are answered; each must be answered 200 with the whole body. */
async function load({ port, path, requests, connections }: LoadOrder) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const latencies = new Float64Array(requests);
  const targets: Record<string, number> = {};
  let next = 0;
  const client = async () => {
    for (let n = next++; n < requests; n = next++) {
      const begun = performance.now();
      const target = await ask({ agent, port, path, token: tokens[n % tokens.length] ?? '' });
      latencies[n] = performance.now() - begun;
      targets[target] = (targets[target] ?? 0) + 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, client));
  } finally {
    agent.destroy();
  }
  latencies.sort();
  const at = (share: number) => latencies[Math.min(requests - 1, Math.floor(requests * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), targets };
}

function ask(to: { agent: http.Agent; port: number; path: string; token: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const { agent, port, path, token } = to;
    const headers = { accept: 'application/json', authorization: token, 'user-agent': 'bench' };
    const request = http.get(
      { host: '127.0.0.1', port, path, agent, headers, timeout: 10_000 },
      (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode !== 200 || bytes < 1_000)
            reject(new Error(`answered ${response.statusCode} with ${bytes} bytes`));
          else resolve(String(response.headers['x-strangler-target'] ?? '-'));
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer for 10 s')));
    request.on('error', reject);
  });
}

answerCalls({ run: (argument) => load(loadOrder.parse(argument)) });
