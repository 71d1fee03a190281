import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ConnectClient } from './client.ts';

type Answer = readonly [status: number, body?: unknown];

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A Connect that answers as told and writes down what it was asked. */
async function connectWith(
  answer: (call: string) => Answer,
): Promise<{ client: ConnectClient; calls: string[] }> {
  const calls: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const call = `${request.method} ${request.url}`;
    calls.push(call);
    const [status, body] = answer(call);
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? '' : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { client: new ConnectClient(`http://127.0.0.1:${port}`, AbortSignal.timeout(10_000)), calls };
}

test('trap 84: a connector goes with its offsets, and only once it has stopped', async () => {
  let asked = 0;
  const { client, calls } = await connectWith((call) => {
    if (call !== 'GET /connectors/n/status') return [204];
    asked += 1;
    const stopped = asked > 2;
    const tasks = stopped ? [] : [{ state: 'RUNNING' }];
    return [200, { connector: { state: stopped ? 'STOPPED' : 'RUNNING' }, tasks }];
  });
  await client.remove('n');
  expect(calls.filter((each) => !each.startsWith('GET'))).toEqual([
    'PUT /connectors/n/stop',
    'DELETE /connectors/n/offsets',
    'DELETE /connectors/n',
  ]);
  expect(calls.at(-2)).toBe('DELETE /connectors/n/offsets');
  expect(asked).toBe(3);
});

test('trap 75: how far a connector has come is the furthest of what its offset names', async () => {
  const { client } = await connectWith((call) => {
    if (call === 'GET /connectors/none/offsets') return [404, { error_code: 404 }];
    if (call === 'GET /connectors/new/offsets') return [200, { offsets: [] }];
    const offset = { lsn: 200, lsn_proc: 210, lsn_commit: null, txId: 7, messageType: 'INSERT' };
    return [200, { offsets: [{ partition: { server: 'n' }, offset }] }];
  });
  expect(await client.position('n')).toBe(210n);
  expect(await client.position('new')).toBeUndefined();
  expect(await client.position('none')).toBeUndefined();
});

test('while Connect rebalances it is asked again; what it refuses is told', async () => {
  let busy = 2;
  const { client, calls } = await connectWith((call) => {
    if (call.startsWith('PUT')) return [400, { message: 'no such class' }];
    busy -= 1;
    return busy >= 0
      ? [409]
      : [200, { connector: { state: 'RUNNING' }, tasks: [{ state: 'FAILED', trace: 'why' }] }];
  });
  expect(await client.status('n')).toEqual({ state: 'RUNNING', task: 'FAILED', trace: 'why' });
  expect(calls).toHaveLength(3);
  await expect(client.put('n', {})).rejects.toMatchObject({
    code: 'CONNECT_UNREACHABLE',
    fact: expect.stringContaining('no such class'),
  });
});

test('a Connect that is not there is told with what to do', async () => {
  const client = new ConnectClient('http://127.0.0.1:1', AbortSignal.timeout(5_000));
  await expect(client.status('n')).rejects.toMatchObject({
    code: 'CONNECT_UNREACHABLE',
    remedy: expect.stringContaining('kafka:up'),
  });
});
