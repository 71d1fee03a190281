import { configDefaults, defineConfig } from 'vitest/config';

/** `quick` runs everything but the long suites and those on Kafka, `full` and `grown` only those; `test/run.ts` sets it. */
const tier = process.env['TIER'];
const slow = tier === 'full' || tier === 'grown';
const kinds = { full: '**/*.long.test.ts', grown: '**/*.grown.test.ts' } as const;

export default defineConfig({
  test: {
    include: [slow ? kinds[tier] : '**/*.test.ts'],
    exclude: [...configDefaults.exclude, '.strangler/**', ...(slow ? [] : Object.values(kinds))],
    globalSetup: ['cluster/src/testing-setup.ts'],
    // Two cores, and each file starts processes of its own; a long suite measures, and has the machine to itself.
    pool: 'forks',
    maxWorkers: slow ? 1 : 2,
    testTimeout: slow ? 600_000 : 30_000,
    hookTimeout: slow ? 300_000 : 60_000,
    teardownTimeout: 30_000,
  },
});
