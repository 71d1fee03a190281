import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { privateKey } from '../../test/shop-process.ts';
import { createTokens } from './token.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

test.each([
  ['RS256', rsa],
  ['ES256', privateKey()],
  ['ES256', privateKey().replaceAll('\n', '\\n')],
])('signs and verifies by %s', async (algorithm, pem) => {
  const tokens = await createTokens(pem);
  const token = await tokens.issue(42);
  expect(await tokens.userOf(token)).toBe(42);
  expect(tokens.jwks.keys[0]).toMatchObject({ alg: algorithm, use: 'sig' });
});

test('knows no token of another key, and none that was changed', async () => {
  const [ours, theirs] = await Promise.all([createTokens(privateKey()), createTokens(privateKey())]);
  expect(await ours.userOf(await theirs.issue(1))).toBeUndefined();
  const [header, , signature] = (await ours.issue(1)).split('.');
  const claims = Buffer.from(JSON.stringify({ sub: '2', iss: 'fig-and-sons' })).toString('base64url');
  expect(await ours.userOf(`${header}.${claims}.${signature}`)).toBeUndefined();
  expect(await ours.userOf('nonsense')).toBeUndefined();
});
