export { type CancelResult, cancel } from './cancel/cancel.ts';
export { databaseOf, openDatabase, openDatabases } from './databases.ts';
export { type Finding, runDoctor } from './doctor/index.ts';
export { type Flag, flagOf, flagsOf, UnleashAdmin } from './flags/unleash-admin.ts';
export { setupLedger, setupStatements } from './setup/setup.ts';
export { type ExtractionStatus, extractionStatus, type StreamStatus } from './status/status.ts';
export { acceptable, type Gate, type GateName, gateNames, gates } from './switch/gates.ts';
export type { Acceptance } from './switch/perform.ts';
export { planSwitch, type SwitchPlan } from './switch/plan.ts';
export {
  type Step,
  type StepName,
  type StepReport,
  type SwitchEffects,
  stepNames,
  steps,
  walk,
} from './switch/steps.ts';
export { rehearseSwitch, type SwitchResult, switchWrites } from './switch/switch.ts';
export { type SyncProgress, type SyncResult, sync } from './sync/sync.ts';
