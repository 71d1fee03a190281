import { describe, expect, it } from 'vitest';
import { deadline, isAbort, pause, StranglerError, waitFor } from './index.ts';

/** Settles once the signal is aborted, with its reason. */
const abortOf = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });

describe('deadline', () => {
  it('aborts by itself when its time is over', async () => {
    const signal = deadline(5);
    const keepAlive = setInterval(() => {}, 1_000);
    expect(await abortOf(signal)).toMatchObject({ name: 'TimeoutError' });
    clearInterval(keepAlive);
  });

  it('aborts when the outer signal does, with its reason', async () => {
    const outer = new AbortController();
    const signal = deadline(60_000, outer.signal);
    expect(signal.aborted).toBe(false);
    const reason = new Error('enough');
    outer.abort(reason);
    expect(await abortOf(signal)).toBe(reason);
    expect(deadline(60_000, outer.signal).aborted).toBe(true);
  });
});

describe('pause', () => {
  it('waits at least as long as it was told', async () => {
    const began = performance.now();
    await pause(20);
    // A timer may fire a fraction of a millisecond early.
    expect(performance.now() - began).toBeGreaterThan(18);
  });

  it("ends at once with the signal's reason", async () => {
    const stop = new AbortController();
    const reason = new StranglerError('DEADLINE', 'Interrupted.', 'Run it again.');
    const waiting = expect(pause(60_000, stop.signal)).rejects.toBe(reason);
    stop.abort(reason);
    await waiting;
    await expect(pause(60_000, stop.signal)).rejects.toBe(reason);
  });
});

describe('waitFor', () => {
  it('asks until there is an answer, and takes every answer but undefined', async () => {
    let asked = 0;
    const probe = async () => {
      asked += 1;
      return asked === 3 ? 'found' : undefined;
    };
    expect(await waitFor(probe, { timeoutMs: 5_000, everyMs: 1, what: 'it' })).toBe('found');
    expect(asked).toBe(3);
    for (const answer of [0, false, '', null]) {
      expect(await waitFor(() => answer, { timeoutMs: 0, what: 'it' })).toBe(answer);
    }
  });

  it('says what did not happen when its time is over, or what the caller makes of it', async () => {
    const never = () => undefined;
    await expect(waitFor(never, { timeoutMs: 4, everyMs: 1, what: 'the opening' })).rejects.toMatchObject({
      code: 'DEADLINE',
      fact: 'the opening did not happen within 4 ms.',
    });
    const late = new Error('late');
    await expect(waitFor(never, { timeoutMs: 4, everyMs: 1, what: 'it', late: () => late })).rejects.toBe(
      late,
    );
  });

  it('passes on what the probe throws, at once', async () => {
    const broken = new Error('broken');
    const probe = () => {
      throw broken;
    };
    await expect(waitFor(probe, { timeoutMs: 60_000, what: 'it' })).rejects.toBe(broken);
  });

  it('ends when it is aborted, between two questions and before the first', async () => {
    const stop = new AbortController();
    const reason = new Error('stop');
    let asked = 0;
    const waiting = waitFor(
      () => {
        asked += 1;
        stop.abort(reason);
        return undefined;
      },
      { timeoutMs: 60_000, everyMs: 60_000, what: 'it', signal: stop.signal },
    );
    await expect(waiting).rejects.toBe(reason);
    await expect(
      waitFor(() => (asked += 1), { timeoutMs: 60_000, what: 'it', signal: stop.signal }),
    ).rejects.toBe(reason);
    expect(asked).toBe(1);
  });
});

describe('isAbort', () => {
  it('knows an abort and a time limit from other errors', async () => {
    const aborted = AbortSignal.abort();
    expect(isAbort(aborted.reason)).toBe(true);
    const keepAlive = setInterval(() => {}, 1_000);
    expect(isAbort(await abortOf(AbortSignal.timeout(1)))).toBe(true);
    clearInterval(keepAlive);
    expect(isAbort(new Error('AbortError'))).toBe(false);
    expect(isAbort('AbortError')).toBe(false);
  });
});
