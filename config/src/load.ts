import { existsSync } from 'node:fs';
import { type ResolveHookSync, registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, StranglerError } from '@strangler/errors';
import type { Config } from './model.ts';
import { parseConfig } from './parse.ts';

/**
 * Loads the config file, `strangler.config.ts` of the working directory unless another path is given.
 * @throws StranglerError CONFIG_NOT_FOUND, CONFIG_INVALID or ENV_MISSING.
 */
export async function loadConfig(file = 'strangler.config.ts'): Promise<Config> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new StranglerError(
      'CONFIG_NOT_FOUND',
      `There is no config at ${path}.`,
      'Name it with --config FILE.',
    );
  }
  let module: { default?: unknown };
  const hooks = registerHooks({ resolve: resolveOurs });
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    if (error instanceof StranglerError) throw error;
    throw new StranglerError(
      'CONFIG_INVALID',
      `${path} cannot be loaded: ${messageOf(error)}.`,
      'Correct the file.',
      { cause: error },
    );
  } finally {
    hooks.deregister();
  }
  if (module.default === undefined) {
    throw new StranglerError(
      'CONFIG_INVALID',
      `${path} exports nothing by default.`,
      'Write `export default defineConfig({ … })`.',
    );
  }
  return parseConfig(module.default, path);
}

/** A config file of a team lies in their repository: `@strangler/config` means ours there, installed or not. */
const resolveOurs: ResolveHookSync = (specifier, context, next) =>
  specifier === '@strangler/config'
    ? { url: new URL('./index.ts', import.meta.url).href, shortCircuit: true }
    : next(specifier, context);
