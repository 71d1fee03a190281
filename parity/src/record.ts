import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Cassette, Seed } from './cassette.ts';
import { CASSETTES } from './kept.ts';
import { journeys } from './shop/journeys.ts';
import { recordJourneys } from './shop/recorder.ts';
import { readSeed } from './shop/seed.ts';

/** Replaces the kept cassettes: one file per journey, in the order in which they are lived, and the seeded rows. */
export async function keepCassettes(seed: Seed, cassettes: readonly Cassette[]): Promise<string[]> {
  await mkdir(CASSETTES, { recursive: true });
  const old = (await readdir(CASSETTES)).filter((name) => name.endsWith('.json'));
  await Promise.all(old.map((name) => rm(new URL(name, CASSETTES))));
  await writeFile(new URL('seed.json', CASSETTES), `${JSON.stringify(seed, null, 1)}\n`);
  const names: string[] = [];
  for (const [index, cassette] of cassettes.entries()) {
    const title = cassette.journey.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const name = `${String(index + 1).padStart(2, '0')}-${title}.json`;
    await writeFile(new URL(name, CASSETTES), `${JSON.stringify(cassette, null, 1)}\n`);
    names.push(name);
  }
  return names;
}

/**
 * `node parity/src/record.ts` against a shop that was just seeded with SEED_USERS=20 SEED_ORDERS=50. Environment:
 * MONOLITH_URL, MONOLITH_DATABASE_URL (may read the shop's tables), INTERNAL_TOKEN.
 */
if (import.meta.main) {
  const environment = z
    .object({ MONOLITH_URL: z.url(), MONOLITH_DATABASE_URL: z.string(), INTERNAL_TOKEN: z.string() })
    .parse(process.env);
  const seed = await readSeed(environment.MONOLITH_DATABASE_URL);
  const cassettes = await recordJourneys({
    monolithUrl: environment.MONOLITH_URL,
    internalToken: environment.INTERNAL_TOKEN,
    journeys,
    signal: AbortSignal.timeout(120_000),
  });
  const recorded = await keepCassettes(seed, cassettes);
  process.stdout.write(`${JSON.stringify({ recorded })}\n`);
}
