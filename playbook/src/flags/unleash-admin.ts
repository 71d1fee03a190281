import type { Config, Extraction, StatelessRoute } from '@strangler/config';
import { flagName } from '@strangler/config';
import { deadline, isAbort, messageOf, StranglerError } from '@strangler/errors';
import { z } from 'zod';

const strategies = z.array(z.looseObject({ id: z.string(), name: z.string() }));

/** One flag: its name, and the group that makes the routes of one journey move together. */
export interface Flag {
  readonly name: string;
  readonly group: string;
}

export function flagsOf(extraction: Extraction): Flag[] {
  return extraction.routes
    .filter((route) => route.kind === 'read')
    .map((route) => ({ name: flagName(extraction.name, route.name), group: `strangler.${extraction.name}` }));
}

export function flagOf(route: StatelessRoute): Flag {
  const name = flagName(undefined, route.name);
  return { name, group: name };
}

/** Unleash's admin API, as much of it as shifts reads: https://docs.getunleash.io/api (Features). */
export class UnleashAdmin {
  readonly #base: string;
  readonly #token: string;
  readonly #environment: string;

  /** @throws StranglerError ENV_MISSING without UNLEASH_ADMIN_TOKEN, CONFIG_INVALID without `flags`. */
  constructor(config: Config, environment = process.env['UNLEASH_ENVIRONMENT'] ?? 'development') {
    if (!config.flags) {
      throw new StranglerError(
        'CONFIG_INVALID',
        'The config names no flag server.',
        'Add flags: { unleash, token }.',
      );
    }
    const token = process.env['UNLEASH_ADMIN_TOKEN'];
    if (!token) {
      throw new StranglerError(
        'ENV_MISSING',
        'UNLEASH_ADMIN_TOKEN is not set.',
        'Set it to an admin token of your Unleash.',
      );
    }
    this.#base = `${config.flags.unleash.replace(/\/api$/, '')}/api/admin/projects/default/features`;
    this.#token = token;
    this.#environment = environment;
  }

  /** Makes the flag, off, unless it is there. */
  async ensure(flag: Flag): Promise<void> {
    const found = await this.#call('GET', `/${flag.name}`, undefined, [404]);
    if (found.status !== 404) return;
    await this.#call('POST', '', { name: flag.name, type: 'release', impressionData: false }, [409]);
  }

  /** Sends `percent` of the clients to the service; 0 turns the flag off. */
  async roll(flag: Flag, percent: number): Promise<void> {
    await this.ensure(flag);
    const path = `/${flag.name}/environments/${this.#environment}`;
    const strategy = {
      name: 'flexibleRollout',
      parameters: { rollout: String(percent), stickiness: 'userId', groupId: flag.group },
      constraints: [],
    };
    const present = strategies.parse((await this.#call('GET', `${path}/strategies`)).body);
    const rollout = present.find((each) => each.name === 'flexibleRollout');
    if (rollout) await this.#call('PUT', `${path}/strategies/${rollout.id}`, strategy);
    else await this.#call('POST', `${path}/strategies`, strategy);
    await this.#call('POST', `${path}/${percent > 0 ? 'on' : 'off'}`);
  }

  async #call(
    method: string,
    path: string,
    body?: unknown,
    allowed: number[] = [],
  ): Promise<{ status: number; body: unknown }> {
    const url = `${this.#base}${path}`;
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: { authorization: this.#token, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: deadline(10_000),
      });
    } catch (error) {
      const fact = isAbort(error) ? 'no answer within 10 s' : messageOf(error);
      throw new StranglerError(
        'FLAGS_UNREACHABLE',
        `Unleash at ${new URL(url).host}: ${fact}.`,
        'Check flags.unleash and that it runs.',
        {
          cause: error,
        },
      );
    }
    const text = await response.text();
    if (!response.ok && !allowed.includes(response.status)) {
      throw new StranglerError(
        'FLAGS_UNREACHABLE',
        `Unleash answers ${response.status} to ${method} ${new URL(url).pathname}: ${text.slice(0, 200)}.`,
        'Check UNLEASH_ADMIN_TOKEN and its rights.',
      );
    }
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }
}
