import { readdir, readFile } from 'node:fs/promises';
import { type Cassette, cassetteSchema, type Seed, seedSchema } from './cassette.ts';

/** Where the cassettes are kept. */
export const CASSETTES = new URL('../cassettes/', import.meta.url);

/** The kept cassettes in the order in which they were recorded, and the rows that were seeded before. */
export async function keptCassettes(): Promise<{ seed: Seed; cassettes: Cassette[] }> {
  const names = (await readdir(CASSETTES)).filter((name) => /^\d+-.*\.json$/.test(name)).sort();
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(new URL(name, CASSETTES), 'utf8'));
  return {
    seed: seedSchema.parse(await read('seed.json')),
    cassettes: await Promise.all(names.map(async (name) => cassetteSchema.parse(await read(name)))),
  };
}
