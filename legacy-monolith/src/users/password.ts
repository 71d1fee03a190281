import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** Small enough that a crowd logging in doesn't stop the shop: 4 MB and some milliseconds each. */
const COST = { N: 4096, r: 8, p: 1 };
const LENGTH = 32;

/** The hash that is kept of a password: `scrypt$N$r$p$salt$hash`. */
export async function hashPassword(password: string, salt = randomBytes(16)): Promise<string> {
  const hash = await derive(password, salt);
  const { N, r, p } = COST;
  return ['scrypt', N, r, p, salt.toString('base64'), hash.toString('base64')].join('$');
}

/** Compares in constant time. A missing hash takes as long as a wrong password, so that nobody learns who is a user. */
export async function verifyPassword(password: string, kept: string | undefined): Promise<boolean> {
  const [scheme, n, r, p, salt, hash] = (kept ?? NOBODY).split('$');
  const known = scheme === 'scrypt' && Number(n) === COST.N && Number(r) === COST.r && Number(p) === COST.p;
  if (!known || salt === undefined || hash === undefined)
    throw new Error('a password hash of another scheme');
  const derived = await derive(password, Buffer.from(salt, 'base64'));
  const expected = Buffer.from(hash, 'base64');
  return kept !== undefined && expected.length === LENGTH && timingSafeEqual(derived, expected);
}

const NOBODY = ['scrypt', COST.N, COST.r, COST.p, 'bm9ib2R5', Buffer.alloc(LENGTH).toString('base64')].join(
  '$',
);

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, LENGTH, COST, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
