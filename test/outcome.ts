import { z } from 'zod';

/** The part of vitest's JSON report that we read. */
const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

export interface Outcome {
  passed: number;
  failed: number;
  /** The full names of tests that did not run. */
  skipped: string[];
}

/** Counts a run's tests; a file that failed before it had any counts as one failed test. */
export function readOutcome(json: unknown): Outcome {
  const files = report.parse(json).testResults;
  const tests = files.flatMap((file) => file.assertionResults);
  const broken = files.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((t) => t.status !== 'failed'),
  );
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: tests.filter((test) => test.status === 'failed').length + broken.length,
    skipped: tests
      .filter((test) => test.status !== 'passed' && test.status !== 'failed')
      .map((test) => test.fullName),
  };
}

/** What several runs come to. */
export function sumOf(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((sum, each) => sum + each.passed, 0),
    failed: outcomes.reduce((sum, each) => sum + each.failed, 0),
    skipped: outcomes.flatMap((each) => each.skipped),
  };
}

/** The plain last line of a run. */
export function lastLine(outcome: Outcome): string {
  const skipped = outcome.skipped.length > 0 ? `, ${outcome.skipped.length} skipped` : '';
  return `${outcome.passed} passed, ${outcome.failed} failed${skipped}`;
}
