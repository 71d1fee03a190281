import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptArtifacts, startGrown } from '@strangler/grown';
import type { PartReport } from '../report.ts';
import { startSides } from '../sides.ts';
import type { KafkaOptions } from './options.ts';
import { benchHistory } from './part.ts';

/**
 * Measures each history on clusters of its own, through one Kafka and Connect, and tells of each when it is measured.
 * @throws StranglerError JAVA_MISSING, MAVEN_MISSING, ARTIFACTS_FAILED, COMPONENT_FAILED
 */
export async function runKafkaBench(
  options: KafkaOptions,
  signal: AbortSignal,
  told: { onLog?: (line: string) => void; onReport?: (report: PartReport) => void } = {},
): Promise<PartReport[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'strangler-bench-kafka-'));
  try {
    const grown = await startGrown({
      dataDir,
      artifactsDir: keptArtifacts(process.env),
      // Every local connection is trusted; a connector must name some password.
      env: { STRANGLER_SOURCE_PASSWORD: 'not-asked-for' },
      onLog: (line) => told.onLog?.(line),
      signal,
    });
    try {
      const reports: PartReport[] = [];
      for (const history of options.histories) {
        const sides = await startSides(signal);
        try {
          told.onLog?.(`Writing ${history.name} and filling its topics ...`);
          const report = await benchHistory(sides, grown, history, options, signal);
          told.onReport?.(report);
          reports.push(report);
        } finally {
          await sides.stop();
        }
      }
      return reports;
    } finally {
      await grown.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
