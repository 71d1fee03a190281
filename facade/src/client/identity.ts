import type { IncomingMessage } from 'node:http';
import type { ClientIdentity } from '@strangler/config';
import { BoundedMap } from '../tokens/bounded-map.ts';
import { cookieOf } from '../tokens/cookie.ts';

/** The cookie by which flags stick to a client that has no declared identity. */
export const stickyCookie = 'strangler_id';

type Claims = Readonly<Record<string, unknown>>;
const noClaims: Claims = Object.freeze({});
// Clients send the same bearer again and again.
const claimsByBearer = new BoundedMap<string, Claims>(10_000);

/** Who a client says it is, by what the config declares; the first that is there counts. Decides only where a request goes. */
export function identityOf(request: IncomingMessage, declared: ClientIdentity): string | undefined {
  const { headers } = request;
  if (declared.jwt !== undefined) {
    const claim = claimsOf(headers.authorization)[declared.jwt];
    if (typeof claim === 'string' || typeof claim === 'number') return `jwt:${claim}`;
  }
  if (declared.cookie !== undefined) {
    const value = cookieOf(headers.cookie, declared.cookie);
    if (value) return `cookie:${value}`;
  }
  if (declared.header !== undefined) {
    const value = headers[declared.header.toLowerCase()];
    if (typeof value === 'string' && value !== '') return `header:${value}`;
  }
  return undefined;
}

function claimsOf(authorization: string | undefined): Claims {
  if (authorization === undefined || !/^bearer /i.test(authorization)) return noClaims;
  const known = claimsByBearer.get(authorization);
  if (known) return known;
  const claims = decode(authorization.slice(7).split('.')[1]);
  claimsByBearer.set(authorization, claims);
  return claims;
}

function decode(payload: string | undefined): Claims {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString());
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : noClaims;
  } catch {
    return noClaims;
  }
}
