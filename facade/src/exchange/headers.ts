import type { IncomingMessage } from 'node:http';
import { pathOf } from '../match/path.ts';

/** Fields that belong to one connection and are never passed on (RFC 9110, 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const chunkedByDefault = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Makes a request's headers what an upstream may see. Done on the request itself, since the proxy's own hook is skipped
 * for some. Returns false for a request that cannot be passed on faithfully.
 */
export function cleanRequest(request: IncomingMessage): boolean {
  const { headers } = request;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return false;
  toOriginForm(request);
  dropHopByHop(headers);
  // Without it node would send the body of, say, a DELETE with no framing at all.
  if (coding !== undefined && !chunkedByDefault.has(request.method ?? ''))
    headers['transfer-encoding'] = coding;
  // node has answered it by now.
  delete headers.expect;
  addForwarded(request);
  return true;
}

/** The same for an upgrade, which keeps the two fields that ask for it. */
export function cleanUpgrade(request: IncomingMessage): void {
  const { headers } = request;
  const protocol = headers.upgrade;
  toOriginForm(request);
  dropHopByHop(headers);
  headers.connection = 'Upgrade';
  headers.upgrade = protocol;
  addForwarded(request);
}

function toOriginForm(request: IncomingMessage): void {
  const target = request.url ?? '/';
  if (target.startsWith('/')) return;
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1];
  if (authority === undefined) return;
  const query = target.indexOf('?');
  request.url = pathOf(target) + (query === -1 ? '' : target.slice(query));
  request.headers.host = authority.slice(authority.lastIndexOf('@') + 1);
}

function dropHopByHop(headers: IncomingMessage['headers']): void {
  const { connection } = headers;
  if (connection !== undefined) {
    for (const named of connection.split(',')) {
      const name = named.trim().toLowerCase();
      if (name !== 'content-length' && name !== 'host') delete headers[name];
    }
  }
  for (const name in headers) {
    if (hopByHop.has(name) || name.startsWith('x-strangler-')) delete headers[name];
  }
}

function addForwarded(request: IncomingMessage): void {
  const { headers, socket } = request;
  const from = socket.remoteAddress;
  const before = headers['x-forwarded-for'];
  if (from !== undefined) headers['x-forwarded-for'] = before === undefined ? from : `${before}, ${from}`;
  headers['x-forwarded-proto'] ??= 'http';
  if (headers.host !== undefined) headers['x-forwarded-host'] ??= headers.host;
}

/** An answer's fields without those of the connection, and without what only we may say; as a flat list, in order. */
export function answerHeaders(answer: IncomingMessage): string[] {
  const raw = answer.rawHeaders;
  const named = namedByConnection(answer.headers.connection);
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const field = raw[at] ?? '';
    const name = field.toLowerCase();
    if (hopByHop.has(name) || named?.has(name)) continue;
    if (name === 'x-strangler-target' || name === 'x-strangler-reason') continue;
    kept.push(field, raw[at + 1] ?? '');
  }
  return kept;
}

function namedByConnection(connection: string | undefined): Set<string> | undefined {
  if (connection === undefined || /^(keep-alive|close)$/i.test(connection)) return undefined;
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
}
