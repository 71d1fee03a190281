export { canRunGrown, type Grown, type GrownOptions, startGrown } from './grown.ts';
