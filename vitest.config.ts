import { configDefaults, defineConfig } from 'vitest/config';

/** `quick` runs everything but the long suites, `full` only those; `test/run.ts` sets it. */
const long = process.env['TIER'] === 'full';

export default defineConfig({
  test: {
    include: [long ? '**/*.long.test.ts' : '**/*.test.ts'],
    exclude: [...configDefaults.exclude, '.strangler/**', ...(long ? [] : ['**/*.long.test.ts'])],
    globalSetup: ['cluster/src/testing-setup.ts'],
    // Two cores, and each file starts processes of its own; a long suite measures, and has the machine to itself.
    pool: 'forks',
    maxWorkers: long ? 1 : 2,
    testTimeout: long ? 600_000 : 30_000,
    hookTimeout: long ? 300_000 : 60_000,
    teardownTimeout: 30_000,
  },
});
