import { configDefaults, defineConfig } from 'vitest/config';

/**
 * `quick` runs everything but the long suites, `full` only those, `grown` what needs Kafka and Debezium on a JVM;
 * `test/run.ts` sets it.
 */
const tier = process.env['TIER'] ?? 'quick';
const long = tier !== 'quick';
const suites = { full: '**/*.long.test.ts', grown: '**/*.grown.test.ts' };

export default defineConfig({
  test: {
    include: [tier === 'full' || tier === 'grown' ? suites[tier] : '**/*.test.ts'],
    exclude: [...configDefaults.exclude, '.strangler/**', ...(long ? [] : Object.values(suites))],
    globalSetup: ['cluster/src/testing-setup.ts'],
    // Two cores, and each file starts processes of its own; a long suite measures, and has the machine to itself.
    pool: 'forks',
    maxWorkers: long ? 1 : 2,
    testTimeout: long ? 600_000 : 30_000,
    hookTimeout: long ? 300_000 : 60_000,
    teardownTimeout: 30_000,
  },
});
