import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codes, messageOf, StranglerError } from './index.ts';

describe('StranglerError', () => {
  it('says code, fact and remedy, in this order, and keeps its cause', () => {
    const cause = new Error('why');
    const error = new StranglerError('RUN_HELD', 'Ada holds the run.', 'Wait for her.', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe('RUN_HELD: Ada holds the run. Wait for her.');
    expect(error).toMatchObject({ code: 'RUN_HELD', exitCode: 4, name: 'StranglerError', cause });
    expect(error.stack).toContain('strangler-error.test.ts');
  });

  it("has the exit code of its code's entry, for every code", () => {
    for (const [code, { exit }] of Object.entries(codes)) {
      expect(new StranglerError(code as keyof typeof codes, 'fact', 'remedy').exitCode).toBe(exit);
    }
  });
});

describe('messageOf', () => {
  it('finds words in whatever was thrown', () => {
    expect(messageOf(new Error('plain'))).toBe('plain');
    // What node throws when neither address of localhost answers: the outer message is empty.
    expect(messageOf(new AggregateError([new Error('connect ECONNREFUSED ::1'), new Error('b')]))).toBe(
      'connect ECONNREFUSED ::1',
    );
    expect(messageOf(new AggregateError([], 'none'))).toBe('none');
    expect(messageOf('text')).toBe('text');
    expect(messageOf(undefined)).toBe('undefined');
  });
});

describe('docs/errors.md', () => {
  it('lists exactly the codes, in their order, with their exit codes, a fact and a remedy', () => {
    const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
    const rows = page
      .split('\n')
      .filter((line) => /^\| `[A-Z_]+`/.test(line))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    expect(rows.map((cells) => [cells[1], cells[2]])).toEqual(
      Object.entries(codes).map(([code, { exit }]) => [`\`${code}\``, String(exit)]),
    );
    for (const cells of rows) {
      expect(cells, cells[1]).toHaveLength(6);
      expect(cells[3]?.length, `${cells[1]}: what happened`).toBeGreaterThan(10);
      expect(cells[4]?.length, `${cells[1]}: what to do`).toBeGreaterThan(5);
    }
  });
});
