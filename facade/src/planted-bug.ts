import type { Config } from '@strangler/config';
import { StranglerError } from '@strangler/errors';

const bugs = ['write-to-wrong-side', 'read-before-applied'] as const;
/** Bugs that the demo plants to show that its checks can fail. */
export type PlantedBug = (typeof bugs)[number];

/**
 * The bug that STRANGLER_BUG asks the facade for; bugs of other components are none of its business.
 * @throws StranglerError USAGE outside a demo environment.
 */
export function plantedBug(config: Config, wanted: string | undefined): PlantedBug | undefined {
  const bug = bugs.find((name) => name === wanted);
  if (bug !== undefined && !config.environment.startsWith('demo')) {
    throw new StranglerError(
      'USAGE',
      `STRANGLER_BUG=${bug} is set in environment ${config.environment}.`,
      'Unset it: bugs are planted only in environments whose name begins with demo.',
    );
  }
  return bug;
}

/** Every 50th write after the switch. */
export function everyFiftieth(): () => boolean {
  let writes = 0;
  return () => {
    writes += 1;
    return writes % 50 === 0;
  };
}
