/** One thing that doctor looked at. `warn`: somebody should know; `refuse`: a verb would fail, or rows would suffer. */
export interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'refuse';
  readonly fact: string;
  /** Empty when all is well. */
  readonly remedy: string;
}

export type Problem = Omit<Finding, 'check'>;

export function warn(fact: string, remedy: string): Problem {
  return { level: 'warn', fact, remedy };
}

export function refuse(fact: string, remedy: string): Problem {
  return { level: 'refuse', fact, remedy };
}

/** The check's problems, or the one finding that says it found none. */
export function report(check: string, allWell: string, problems: readonly Problem[]): Finding[] {
  if (problems.length === 0) return [{ check, level: 'ok', fact: allWell, remedy: '' }];
  return problems.map((problem) => ({ check, ...problem }));
}

export function listed(names: readonly string[]): string {
  return names.join(', ');
}
