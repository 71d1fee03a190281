export { keptArtifacts } from './artifacts.ts';
export { bringDown, bringUp, type Daemons, readDaemons } from './daemons.ts';
export { canRunGrown, type Grown, type GrownOptions, type GrownPart, startGrown } from './grown.ts';
export type { GrownPorts } from './settings.ts';
