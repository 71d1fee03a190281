import { expect, test } from 'vitest';
import { demoRun } from '../demo-run.ts';
import { type BugName, bugNames } from './planted.ts';

/** A race has to be met before it can be seen: a run in twenty does not. */
const runs = (bug: BugName) => (bug === 'fence-without-lock' ? 3 : 1);

test.each(bugNames)('with the bug %s the demo exits 1 and says what it saw', async (bug) => {
  for (let run = 1; run <= runs(bug); run += 1) {
    const { exitCode, result, said } = await demoRun('--quick', '--no-bars', '--bug', bug);
    if (exitCode === 0 && run < runs(bug)) continue;
    expect(exitCode, said).toBe(1);
    expect(result?.ok).toBe(false);
    expect(said).toContain('✗');
    return;
  }
});
