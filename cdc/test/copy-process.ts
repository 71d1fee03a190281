import type { Config } from '@strangler/config';
import { copyTables } from '../src/index.ts';

/** A copy in a process of its own, for tests that kill it. Argument: the config as JSON, big integers as `"123n"`. */
const config: Config = JSON.parse(process.argv[2] ?? '', (_, value) =>
  typeof value === 'string' && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
);
const [extraction] = config.extractions;
if (!extraction) throw new Error('the config has no extraction');
await copyTables({ config, extraction, signal: AbortSignal.timeout(60_000) });
