import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLogger } from './logging.ts';
import { createRemote, type Remote, RemoteUnavailable } from './remote.ts';

let server: Server;
let url: string;
let respond: (response: ServerResponse) => void;
let arrived = 0;
let closed = 0;
let remote: Remote;
const logger = createLogger('test', 'silent');
const never = new AbortController().signal;

beforeAll(async () => {
  server = createServer((request, response) => {
    arrived += 1;
    response.on('close', () => {
      if (!response.writableFinished) closed += 1;
    });
    request.resume().on('end', () => respond(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  url = `http://127.0.0.1:${address.port}`;
});
beforeEach(() => {
  arrived = 0;
  closed = 0;
  remote = createRemote({ name: 'test', url, token: 't', logger, timeoutMs: 100, resetMs: 200 });
});
afterEach(() => remote.stop());
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const answers = (status: number) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"x"}');
};

test('business answers are returned and never open the circuit', async () => {
  for (const status of [402, 409, 422, 400]) {
    respond = answers(status);
    for (let i = 0; i < 10; i += 1) {
      expect(await remote.post('/x', {}, never)).toEqual({ status, body: { error: 'x' } });
    }
  }
  expect(remote.circuit()).toBe('closed');
});

test('failures open the circuit, which then refuses at once and closes after a call that succeeds', async () => {
  respond = answers(500);
  for (let i = 0; i < 10; i += 1) {
    await expect(remote.post('/x', {}, never)).rejects.toMatchObject({ notSent: false });
  }
  expect(remote.circuit()).toBe('open');
  await expect(remote.post('/x', {}, never)).rejects.toMatchObject({ notSent: true });
  expect(arrived).toBe(10);
  respond = answers(200);
  await expect.poll(() => remote.circuit()).toBe('half-open');
  expect(await remote.post('/x', {}, never)).toMatchObject({ status: 200 });
  expect(remote.circuit()).toBe('closed');
});

test('a wrong token or a wrong address is a failure, not an answer of the business', async () => {
  for (const status of [401, 403, 404]) {
    respond = answers(status);
    await expect(remote.post('/x', {}, never)).rejects.toThrow(RemoteUnavailable);
  }
});

test('a call that takes too long is ended at its socket', async () => {
  respond = () => undefined;
  await expect(remote.post('/x', {}, never)).rejects.toThrow(RemoteUnavailable);
  await expect.poll(() => closed).toBe(1);
});

test('the caller’s signal ends a call at once', async () => {
  respond = () => undefined;
  const caller = new AbortController();
  const call = remote.post('/x', {}, caller.signal);
  await expect.poll(() => arrived).toBe(1);
  caller.abort();
  await expect(call).rejects.toThrow(RemoteUnavailable);
});
