import { schemasOf } from '@strangler/cdc';
import type { Config, Extraction } from '@strangler/config';
import { messageOf, StranglerError } from '@strangler/errors';
import type { Side } from '@strangler/ledger';
import { connect, type Role } from '@strangler/postgres';
import type pg from 'pg';
import { databaseOf } from '../databases.ts';
import { type Problem, refuse } from './finding.ts';

const roles = ['operator', 'source', 'apply', 'admin', 'facade'] as const satisfies Role[];

/** What could be reached of one side. */
export interface SideConnections {
  readonly side: Side;
  readonly clients: Readonly<Partial<Record<Role, pg.Client>>>;
  readonly problems: readonly Problem[];
}

/** Connects as each role to one side's database; a role that is refused is a problem, not an error. */
export async function connectRoles(
  config: Config,
  extraction: Extraction,
  side: Side,
): Promise<SideConnections> {
  const clients: Partial<Record<Role, pg.Client>> = {};
  const problems: Problem[] = [];
  for (const role of roles) {
    try {
      clients[role] = await connect({
        url: databaseOf(config, extraction, side),
        role,
        name: 'doctor',
        searchPath: schemasOf(extraction, side),
        settings: { statement_timeout: '30s' },
      });
    } catch (error) {
      if (!(error instanceof StranglerError)) throw error;
      problems.push(refuse(`The ${side}'s database: ${error.fact}`, error.remedy));
      // A server that doesn't answer one role answers none.
      if (error.code === 'DATABASE_UNREACHABLE') break;
    }
  }
  return { side, clients, problems };
}

export async function closeRoles(connections: SideConnections): Promise<void> {
  await Promise.all(Object.values(connections.clients).map((client) => client.end()));
}

/** Whether a pooler sits between us and the server: sessions, slots and snapshots would land on other backends (trap 20). */
export async function poolerProblems({ side, clients }: SideConnections): Promise<Problem[]> {
  const client = clients.operator;
  if (!client) return [];
  const { rows } = await client.query<{ pid: string }>('SELECT pg_backend_pid() AS pid');
  const announced = 'processID' in client ? String(client.processID) : undefined;
  if (announced === rows[0]?.pid) return [];
  return [
    refuse(
      `A pooler answers at the ${side}'s database: the session is served by process ${rows[0]?.pid}, not by ${announced}.`,
      'Give the config the address of PostgreSQL itself; applications may keep using the pooler.',
    ),
  ];
}

/** What an answer over HTTP, whatever its status, says: somebody is there. */
export async function httpProblems(config: Config, extraction: Extraction): Promise<Problem[]> {
  const asked = await Promise.all([
    answerOf(config.monolith.url),
    answerOf(extraction.service.url),
    config.flags
      ? answerOf(`${config.flags.unleash}/api/client/features`, { Authorization: config.flags.token })
      : undefined,
  ]);
  const [monolith, service, flags] = asked;
  const problems: Problem[] = [];
  for (const [name, url, answer] of [
    ['monolith', config.monolith.url, monolith],
    ['service', extraction.service.url, service],
  ] as const) {
    if (answer === undefined || typeof answer === 'number') continue;
    problems.push({
      level: 'warn',
      fact: `The ${name} does not answer at ${url}: ${answer.failure}.`,
      remedy: 'Start it, or correct its URL in the config; the copy works without it, traffic does not.',
    });
  }
  if (config.flags && flags !== undefined && flags !== 200) {
    const why = typeof flags === 'number' ? `it answers ${flags}` : flags.failure;
    problems.push({
      level: 'warn',
      fact: `The flag server at ${config.flags.unleash} gives no flags: ${why}.`,
      remedy: 'Start it, or correct its URL and token; until then every read goes to the owner.',
    });
  }
  return problems;
}

async function answerOf(
  url: string,
  headers: Record<string, string> = {},
): Promise<number | { failure: string }> {
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(3_000) });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { failure: messageOf(cause) };
  }
}
