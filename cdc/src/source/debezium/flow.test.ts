import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Flow } from './flow.ts';

const piece = (first: number) => Array.from({ length: 10 }, (_, at) => first + at);

/** Pieces of ten records, one after the other. */
async function takePieces(flow: Flow, count: number, take: (record: number) => void): Promise<void> {
  for (let at = 0; at < count; at += 1) await flow.takeAll(piece(at * 10), take);
}

test('a pause holds small pieces, too, and nothing is lost by it', async () => {
  const flow = new Flow();
  const taken: number[] = [];
  const all = takePieces(flow, 30, (record) => {
    taken.push(record);
    if (record === 5) flow.pause();
  });
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  expect(taken).toEqual(piece(0));
  flow.resume();
  await all;
  expect(taken).toEqual(Array.from({ length: 300 }, (_, at) => at));
});

test('others have their turn between small pieces', async () => {
  const taken: number[] = [];
  const all = takePieces(new Flow(), 30, (record) => taken.push(record));
  await setImmediate();
  expect(taken.length).toBeLessThan(300);
  await all;
});

test('the end opens what is paused, and passes over the rest', async () => {
  const flow = new Flow();
  const taken: number[] = [];
  flow.pause();
  const all = takePieces(flow, 3, (record) => taken.push(record));
  flow.end();
  flow.pause();
  await all;
  expect(taken).toEqual([]);
});
