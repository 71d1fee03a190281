import { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { copyTables } from '@strangler/cdc';
import pg from 'pg';
import { from, to } from 'pg-copy-streams';
import { z } from 'zod';
import { answerCalls } from '../child.ts';
import { parsedInput } from '../sides.ts';

const pipeOrder = z.object({ source: z.string(), target: z.string(), table: z.string() });

/** One copy in a process of its own: ours, or what one would write in ten lines. Each tells its milliseconds and bytes. */
answerCalls({
  async ours(input) {
    const { config, extraction } = parsedInput(input);
    let bytes = 0;
    const begun = performance.now();
    const { tables } = await copyTables({
      config,
      extraction,
      signal: AbortSignal.timeout(600_000),
      onProgress: (progress) => {
        bytes = progress.bytes;
      },
    });
    return { ms: performance.now() - begun, bytes, rows: tables.reduce((sum, each) => sum + each.rows, 0) };
  },
  async pipe(argument) {
    const { source, target, table } = pipeOrder.parse(argument);
    const begun = performance.now();
    const clients = [new pg.Client(source), new pg.Client(target)] as const;
    const [reader, writer] = clients;
    await Promise.all(clients.map((client) => client.connect()));
    const out = reader.query(to(`COPY ${table} TO STDOUT`));
    const into = writer.query(from(`COPY ${table} FROM STDIN`));
    await pipeline(out, into);
    await Promise.all(clients.map((client) => client.end()));
    const ms = performance.now() - begun;
    const { stream } = reader.connection;
    return { ms, bytes: stream instanceof Socket ? stream.bytesRead : 0, rows: into.rowCount };
  },
});
