import { type ClientIdentity, type Config, flagName, type Late, type Limits } from '@strangler/config';
import { pathToRegexp } from 'path-to-regexp';
import { normalise, pathOf } from './path.ts';

interface Pattern {
  readonly name: string;
  readonly method: string;
  readonly path: string;
}

/** A read or write route of an extraction. */
export interface OwnedRoute extends Pattern {
  readonly kind: 'read' | 'write';
  readonly extraction: string;
  readonly flag: string;
  readonly client: ClientIdentity;
  readonly limits: Limits;
}

/** A route that stays in the monolith and shows the extraction's rows. */
export interface Reader extends Pattern {
  readonly kind: 'reader';
  readonly extraction: string;
  readonly client: ClientIdentity;
  readonly limits: Limits;
  readonly late: Late;
}

/** A route without tables. */
export interface Stateless extends Pattern {
  readonly kind: 'stateless';
  readonly flag: string;
  readonly client: ClientIdentity;
  readonly service: string;
}

export type MatchedRoute = OwnedRoute | Reader | Stateless;

/** Which route a request is for; undefined = none, the monolith's own business. */
export type Match = (method: string, target: string) => MatchedRoute | undefined;

/** All routes of the config, those of the extractions first. */
export function routesOf(config: Config): MatchedRoute[] {
  const owned = config.extractions.flatMap((extraction) => {
    const { name, client, limits } = extraction;
    const shared = { extraction: name, client, limits };
    return [
      ...extraction.routes.map(
        (route): OwnedRoute => ({ ...route, ...shared, flag: flagName(name, route.name) }),
      ),
      ...extraction.readers.map((route): Reader => ({ ...route, ...shared, kind: 'reader' })),
    ];
  });
  const stateless = config.routes.map(
    (route): Stateless => ({ ...route, kind: 'stateless', flag: flagName(undefined, route.name) }),
  );
  return [...owned, ...stateless];
}

/**
 * Matches as express does: letters' case and a trailing slash do not count. A path that an upstream might understand
 * differently is matched as it stands and normalised, and a write wins: it must not slip by as the monolith's own.
 */
export function createMatch(routes: readonly MatchedRoute[]): Match {
  const tables = tablesByMethod(routes);
  return (method, target) => {
    const table = tables.get(method);
    if (!table) return undefined;
    const path = pathOf(target);
    const normal = normalise(path);
    const plain = table(path);
    if (normal === path) return plain;
    const obliging = table(normal);
    return obliging?.kind === 'write' ? obliging : (plain ?? obliging);
  };
}

type Table = (path: string) => MatchedRoute | undefined;

function tablesByMethod(routes: readonly MatchedRoute[]): Map<string, Table> {
  const byMethod = new Map<string, MatchedRoute[]>();
  for (const route of routes) {
    // A read of GET also answers HEAD.
    const methods = route.method === 'GET' && route.kind !== 'write' ? ['GET', 'HEAD'] : [route.method];
    for (const method of methods) byMethod.set(method, [...(byMethod.get(method) ?? []), route]);
  }
  return new Map([...byMethod].map(([method, list]) => [method, tableOf(list)]));
}

/** Paths without parameters by one look-up, before patterns in the config's order. */
function tableOf(routes: readonly MatchedRoute[]): Table {
  const exact = new Map<string, MatchedRoute>();
  const patterns: { route: MatchedRoute; regexp: RegExp }[] = [];
  for (const route of routes) {
    if (/[:*{\\]/.test(route.path)) patterns.push({ route, regexp: pathToRegexp(route.path).regexp });
    else exact.set(bare(route.path), route);
  }
  return (path) => exact.get(bare(path)) ?? patterns.find(({ regexp }) => regexp.test(path))?.route;
}

function bare(path: string): string {
  const lower = path.toLowerCase();
  return lower.length > 1 && lower.endsWith('/') ? lower.slice(0, -1) : lower;
}
