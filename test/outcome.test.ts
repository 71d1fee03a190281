import { expect, test } from 'vitest';
import { lastLine, readOutcome, sumOf } from './outcome.ts';

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((status, index) => ({ fullName: `test ${index}`, status })),
});

test('counts tests, names skipped ones, and counts a file that did not load as a failure', () => {
  const outcome = readOutcome({
    testResults: [file('passed', 'passed', 'passed'), file('failed', 'failed', 'skipped'), file('failed')],
  });
  expect(outcome).toEqual({ passed: 2, failed: 2, skipped: ['test 1'] });
  expect(lastLine(outcome)).toBe('2 passed, 2 failed, 1 skipped');
});

test('the last line leaves out skipped tests when there are none', () => {
  expect(lastLine(readOutcome({ testResults: [file('passed', 'passed')] }))).toBe('1 passed, 0 failed');
});

test('several runs are one in the last line', () => {
  const runs = [file('passed', 'passed', 'skipped'), file('failed', 'failed')].map((each) =>
    readOutcome({ testResults: [each] }),
  );
  expect(lastLine(sumOf(runs))).toBe('1 passed, 1 failed, 1 skipped');
});
