export type { SeedSize } from './environments.ts';
export { type Log, prefixedLog } from './log.ts';
export { freePorts, type Ports, portsFromEnvironment } from './ports.ts';
export { type Finished, launchProcess, repository, runCommand } from './process.ts';
export { grownParts, type Part, parts, type Stack, type StackOptions, startStack } from './stack.ts';
