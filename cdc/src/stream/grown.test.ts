import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { checkpointOf, copyAll, follow } from '../../test/follow.ts';
import { makeSides } from '../../test/sides.ts';

/** A Connect that takes every question and answers none. */
async function silentConnect(): Promise<{ url: string; asked: Promise<void> }> {
  const asked = Promise.withResolvers<void>();
  const server = createServer(() => asked.resolve());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked: asked.promise };
}

test('a stream that is asked to end while it waits for Connect has not stopped for a reason', async () => {
  const connect = await silentConnect();
  const table = 'CREATE TABLE t (id bigint PRIMARY KEY)';
  const sides = await makeSides({
    monolith: table,
    service: table,
    tables: { t: { to: 't' } },
    grown: { kafka: ['127.0.0.1:1'], connect: connect.url },
  });
  await copyAll(sides);
  const stream = follow(sides, 'forward');
  await Promise.race([connect.asked, stream.ended]);
  await stream.stop();
  expect((await checkpointOf(sides, 'forward')).stopped).toBeNull();
});
