import { qualified } from '@strangler/postgres';
import { parse as parsePath } from 'path-to-regexp';
import { invalid } from './mistakes.ts';
import type { Config } from './model.ts';

/** A route that two owners claim could send a write to the wrong one; a table with two could not be fenced. @throws StranglerError CONFIG_INVALID. */
export function refuseTwoOwners(config: Config): void {
  const claims = new Map<string, string>();
  const claim = (key: string, what: string, owner: string) => {
    const other = claims.get(key);
    if (other !== undefined) throw invalid(config.path, [`${what} is claimed by ${other} and by ${owner}`]);
    claims.set(key, owner);
  };
  const claimRoute = (owner: string, { method, path }: { method: string; path: string }) =>
    claim(`${method} ${shapeOf(path)}`, `${method} ${path}`, owner);
  for (const { name, routes, readers, tables, service } of config.extractions) {
    const at = `extractions.${name}`;
    for (const route of routes) claimRoute(`${at}.routes.${route.name}`, route);
    readers.forEach((route, index) => {
      claimRoute(`${at}.readers.${index}`, route);
    });
    for (const table of tables) {
      const monolith = qualified(table.monolith);
      const theirs = qualified(table.service);
      claim(`monolith ${monolith}`, `the monolith's table ${monolith}`, `${at}.tables`);
      claim(`${service.database} ${theirs}`, `the service's table ${theirs}`, `${at}.tables (${monolith})`);
    }
  }
  for (const route of config.routes) claimRoute(`routes.${route.name}`, route);
}

/** What a pattern matches, whatever its parameters are called; case and a trailing slash don't count, as in the facade. */
function shapeOf(path: string): string {
  const { tokens } = parsePath(path.length > 1 ? path.replace(/\/$/, '') : path);
  return JSON.stringify(tokens, (key, value: unknown) =>
    key === 'name' ? undefined : typeof value === 'string' ? value.toLowerCase() : value,
  );
}
