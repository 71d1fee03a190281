import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLogger } from './logging.ts';
import { createTokenVerifier, KeysUnavailable, type TokenVerifier } from './tokens.ts';

const logger = createLogger('test', 'silent');
let server: Server;
let jwksUrl: string;
let up = true;
let published: JWK[] = [];
let privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
let verifier: TokenVerifier;

beforeAll(async () => {
  const pair = await generateKeyPair('RS256');
  privateKey = pair.privateKey;
  published = [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'RS256' }];
  server = createServer((_request, response) => {
    if (!up) return response.writeHead(503).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: published }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  jwksUrl = `http://127.0.0.1:${address.port}`;
});
beforeEach(() => {
  up = true;
  verifier?.stop();
  verifier = createTokenVerifier({ jwksUrl, logger });
});
afterAll(() => {
  verifier.stop();
  server.close();
});

const sign = (expires: string) =>
  new SignJWT()
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setSubject('42')
    .setExpirationTime(expires)
    .sign(privateKey);

test('a good token says who it is; an expired, foreign or unsigned one says nobody', async () => {
  expect(await verifier.subject(await sign('1h'))).toBe('42');
  expect(await verifier.subject(await sign('-1h'))).toBeUndefined();
  expect(await verifier.subject('rubbish')).toBeUndefined();
  const stranger = await generateKeyPair('RS256');
  const foreign = await new SignJWT()
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setSubject('42')
    .sign(stranger.privateKey);
  expect(await verifier.subject(foreign)).toBeUndefined();
  const none = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"42"}')}.`.replaceAll('=', '');
  expect(await verifier.subject(none)).toBeUndefined();
});

test('a token that was good ends when it says so', async () => {
  const token = await sign('1s');
  expect(await verifier.subject(token)).toBe('42');
  await expect.poll(() => verifier.subject(token), { timeout: 5_000 }).toBeUndefined();
});

test('keys once fetched stay good while the issuer is down', async () => {
  expect(await verifier.subject(await sign('1h'))).toBe('42');
  up = false;
  expect(await verifier.subject(await sign('2h'))).toBe('42');
});

test('without any keys a good token is not called bad', async () => {
  up = false;
  await expect(verifier.subject(await sign('1h'))).rejects.toThrow(KeysUnavailable);
});
