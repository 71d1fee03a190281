import { pause } from '@strangler/errors';
import { channel, type Notice, parseNotice } from '@strangler/ledger';
import { connect } from '@strangler/postgres';

/**
 * Hears what a database has to tell until `signal` aborts, connecting again when the connection is lost. What was said
 * meanwhile is missed: polling is the floor.
 */
export async function listen(options: {
  readonly url: string;
  readonly signal: AbortSignal;
  /** `from`: the backend that said it; any role can say anything, but none can choose its backend. */
  readonly onNotice: (notice: Notice, from: number) => void;
}): Promise<void> {
  const { signal } = options;
  while (!signal.aborted) {
    await listenOnce(options).catch(() => {});
    await pause(500, signal).catch(() => {});
  }
}

async function listenOnce(options: {
  url: string;
  signal: AbortSignal;
  onNotice: (notice: Notice, from: number) => void;
}): Promise<void> {
  const { signal } = options;
  const client = await connect({ url: options.url, role: 'facade', name: 'facade listen' });
  client.on('notification', ({ payload, processId }) => {
    const notice = parseNotice(payload);
    if (notice) options.onNotice(notice, processId);
  });
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  client.once('end', end);
  client.once('error', () => end());
  const abort = () => end();
  signal.addEventListener('abort', abort);
  // It may have been aborted while we connected, and does not say so again.
  if (signal.aborted) end();
  try {
    await Promise.race([over, client.query(`LISTEN ${channel}`)]);
    await over;
  } finally {
    signal.removeEventListener('abort', abort);
    await client.end();
  }
}
