import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientIdentity } from '@strangler/config';
import { identityOf, stickyCookie } from './client/identity.ts';
import type { Token } from './decide/view.ts';
import type { Desk } from './desk.ts';
import { writeMarkHeader } from './exchange/write-mark.ts';
import type { OwnedRoute, Reader } from './match/routes.ts';
import { cookieName, cookieOf, type TokenCookie } from './tokens/cookie.ts';
import type { Obligation } from './tokens/token.ts';

/** A client as the facade knows it during one request. */
export interface Client {
  id: string | undefined;
  /** Set-Cookie values that its answer carries. */
  readonly cookies: string[];
}

/** What is known so far about a request of a route of an extraction. */
export interface Asking {
  readonly route: OwnedRoute | Reader;
  readonly desk: Desk;
  readonly client: Client;
  readonly owedByCookie: ReadonlyMap<string, Obligation> | undefined;
  /** An in-flight write makes it. */
  readonly nested: boolean;
  /** It carries a cookie of ours, with which every facade tells the client what it is owed. */
  readonly hasCookie: boolean;
  /** Where the owner was when a client that might have written through another facade asked. */
  asOfNow: Token | undefined;
  refreshed: boolean;
  waited: boolean;
}

/** Such a request with its answer to be. */
export interface Visit extends Asking {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Reads what a request says about itself; before its headers are cleaned. */
export function askingOf(
  request: IncomingMessage,
  route: OwnedRoute | Reader,
  desk: Desk,
  tokenCookie: TokenCookie,
): Asking {
  const mark = request.headers[writeMarkHeader];
  const owed = owedByCookie(request, tokenCookie);
  return {
    route,
    desk,
    client: clientOf(request, route.client),
    owedByCookie: owed,
    hasCookie: owed !== undefined || cookieOf(request.headers.cookie, stickyCookie) !== undefined,
    asOfNow: undefined,
    nested: mark !== undefined && desk.mark.knows(mark, Date.now()),
    refreshed: false,
    waited: false,
  };
}

/** Who sends a request: its declared identity, or the facade's own cookie. */
export function clientOf(request: IncomingMessage, declared: ClientIdentity): Client {
  const id = identityOf(request, declared);
  if (id !== undefined) return { id, cookies: [] };
  const sticky = cookieOf(request.headers.cookie, stickyCookie);
  return { id: sticky ? `sticky:${sticky}` : undefined, cookies: [] };
}

/** The client's identity; one without gets a cookie that makes it known from now on. */
export function knownId(client: Client): string {
  if (client.id !== undefined) return client.id;
  const sticky = randomUUID();
  client.cookies.push(`${stickyCookie}=${sticky}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax`);
  client.id = `sticky:${sticky}`;
  return client.id;
}

/** What the client's token cookie says, if it has a genuine one. */
function owedByCookie(
  request: IncomingMessage,
  tokenCookie: TokenCookie,
): ReadonlyMap<string, Obligation> | undefined {
  const value = cookieOf(request.headers.cookie, cookieName);
  return value === undefined ? undefined : tokenCookie.open(value);
}
