import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startCluster } from './cluster.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The two servers of a test run, one per side. */
    clusters: { monolith: { port: number }; service: { port: number } };
  }
}

const settings = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '400',
  max_prepared_transactions: '20',
  shared_buffers: '64MB',
  max_active_replication_origins: '300',
};

/** For vitest's `globalSetup`: two servers for the whole run, gone when it ends. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(path.join(tmpdir(), 'strangler-clusters-'));
  await chmod(home, 0o755);
  const [monolith, service] = await Promise.all([
    startCluster({ dataDir: path.join(home, 'monolith'), settings }),
    startCluster({ dataDir: path.join(home, 'service'), settings }),
  ]);
  project.provide('clusters', { monolith: { port: monolith.port }, service: { port: service.port } });
  return async () => {
    await Promise.all([monolith.stop(), service.stop()]);
    await rm(home, { recursive: true, force: true });
  };
}
