import { createHmac, timingSafeEqual } from 'node:crypto';
import { BoundedMap } from './bounded-map.ts';
import { type Obligation, readObligations, writeObligations } from './token.ts';

/** The cookie that carries tokens from facade to facade. */
export const cookieName = 'strangler';
/** Long enough for any copy that is not given up; short enough that a ledger made anew finds no old terms. */
const maxAgeSeconds = 600;

/** Seals and opens the cookie: what a client could forge would only slow its own reads, but is refused all the same. */
export class TokenCookie {
  readonly #secret: string;
  // A browser sends the same cookie with every request.
  readonly #opened = new BoundedMap<string, ReadonlyMap<string, Obligation>>(10_000);

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** The value of a Set-Cookie header. */
  seal(obligations: ReadonlyMap<string, Obligation>): string {
    const text = writeObligations(obligations);
    return `${cookieName}=${text}.${this.#signature(text)}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax`;
  }

  /** What a cookie's value obliges us to; nothing if it is not ours. */
  open(value: string): ReadonlyMap<string, Obligation> | undefined {
    const known = this.#opened.get(value);
    if (known) return known;
    const dot = value.lastIndexOf('.');
    const text = value.slice(0, dot);
    const given = Buffer.from(value.slice(dot + 1));
    const right = Buffer.from(this.#signature(text));
    if (dot < 1 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    const obligations = readObligations(text);
    if (obligations) this.#opened.set(value, obligations);
    return obligations;
  }

  #signature(text: string): string {
    return createHmac('sha256', this.#secret).update(`tokens:${text}`).digest('base64url');
  }
}

/** One cookie's value out of a Cookie header. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  for (let at = header.indexOf(`${name}=`); at !== -1; at = header.indexOf(`${name}=`, at + 1)) {
    if (at > 0 && header[at - 1] !== ' ' && header[at - 1] !== ';') continue;
    const end = header.indexOf(';', at);
    return header.slice(at + name.length + 1, end === -1 ? undefined : end).trim();
  }
  return undefined;
}
