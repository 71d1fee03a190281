import { createPrivateKey, createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, errors, exportJWK, type JWK, jwtVerify, SignJWT } from 'jose';

/** How long a token is good, in seconds. */
export const TOKEN_SECONDS = 12 * 60 * 60;

const ISSUER = 'fig-and-sons';

export interface Tokens {
  /** A token for the user. */
  issue(userId: number): Promise<string>;
  /** The user whose token this is, or undefined for a token that is not valid. */
  userOf(token: string): Promise<number | undefined>;
  /** What others verify our tokens with. */
  jwks: { keys: JWK[] };
}

/**
 * Signs and verifies with one key pair.
 * @param pem a PKCS8 private key: RSA for RS256, P-256 for ES256
 */
export async function createTokens(pem: string): Promise<Tokens> {
  const privateKey = createPrivateKey(pem.replaceAll('\\n', '\n'));
  const publicKey = createPublicKey(privateKey);
  const alg = privateKey.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256';
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    issue: (userId) =>
      new SignJWT()
        .setProtectedHeader({ alg, kid })
        .setSubject(String(userId))
        .setIssuer(ISSUER)
        .setIssuedAt()
        .setExpirationTime(`${TOKEN_SECONDS} seconds`)
        .sign(privateKey),
    async userOf(token) {
      try {
        const { payload } = await jwtVerify(token, publicKey, { algorithms: [alg], issuer: ISSUER });
        return /^[1-9]\d{0,15}$/.test(payload.sub ?? '') ? Number(payload.sub) : undefined;
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
    jwks: { keys: [{ ...jwk, kid, alg, use: 'sig' }] },
  };
}
