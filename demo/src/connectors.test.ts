import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { bothConnectorsRun } from './connectors.ts';

/** Connect, which gives each answer once and the last one for ever. */
async function connectThatSays(...answers: [status: number, body: object][]): Promise<string> {
  const server = createServer((_, response) => {
    const [status, body] = (answers.length > 1 ? answers.shift() : answers[0]) ?? [500, {}];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

const connector = (...tasks: string[]) => ({
  status: { connector: { state: 'RUNNING' }, tasks: tasks.map((state) => ({ state })) },
});

test('two running connectors with a running task each are waited for', async () => {
  const url = await connectThatSays(
    [200, {}],
    [409, { message: 'a rebalance is under way' }],
    [200, { one: connector('RUNNING'), two: connector() }],
    [200, { one: connector('RUNNING'), two: connector('FAILED') }],
    [200, { one: connector('RUNNING'), two: connector('RUNNING') }],
  );
  const names = await bothConnectorsRun(url, AbortSignal.timeout(20_000));
  expect(names).toEqual(['one', 'two']);
});

test('the wait ends with the signal', async () => {
  const url = await connectThatSays([200, { one: connector('FAILED') }]);
  await expect(bothConnectorsRun(url, AbortSignal.timeout(300))).rejects.toThrow();
});
