import { EventEmitter } from 'node:events';
import type { Config } from '@strangler/config';
import { InMemStorageProvider, Unleash } from 'unleash-client';
import type { Log } from '../log.ts';

/** Shares out reads. `isOn` never throws and never waits: without a word from the server every flag is off. */
export interface Flags {
  isOn(flag: string, client: string): boolean;
  stop(): void;
}

const alwaysOff: Flags = { isOn: () => false, stop: () => {} };

/**
 * Flags from the Unleash server that the config names, if any. Starts without it; when it goes away, the last values
 * stay; nothing is kept on disk, so that a new start knows only what the server says now.
 */
export function startFlags(config: Config, log: Log): Flags {
  if (!config.flags) return alwaysOff;
  const unleash = new Unleash({
    url: `${config.flags.unleash}/api`,
    appName: `strangler-${config.environment}`,
    customHeaders: { Authorization: config.flags.token },
    refreshInterval: 1_000,
    disableMetrics: true,
    storageProvider: new InMemStorageProvider(),
    skipInstanceCountWarning: true,
  });
  let wasWell = true;
  const unwell = (problem: unknown) => {
    if (wasWell) log.warn(`flags are not refreshed: ${problem instanceof Error ? problem.message : problem}`);
    wasWell = false;
  };
  const well = () => {
    if (!wasWell) log.info('flags are refreshed again');
    wasWell = true;
  };
  let ready = false;
  unleash.on('ready', () => {
    ready = true;
  });
  unleash.on('changed', well);
  unleash.on('unchanged', well);
  unleash.on('warn', unwell);
  // Without a listener each failed poll would be printed.
  unleash.on('error', unwell);
  return {
    isOn: (flag, client) => ready && unleash.isEnabled(flag, { userId: client }, false),
    stop: () => {
      unleash.destroy();
      // It has taken the listeners away under a poll that may still fail: nobody would catch what that then throws.
      const repository: unknown = Reflect.get(unleash, 'repository');
      if (repository instanceof EventEmitter) repository.on('error', () => {});
    },
  };
}
