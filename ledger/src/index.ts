export {
  advance,
  advanceSql,
  advanceValues,
  type Checkpoint,
  createCheckpoint,
  isCarried,
  openViolations,
  type Progress,
  readCheckpoint,
  recordViolation,
  stopStream,
  takeLease,
  useEngine,
} from './checkpoint.ts';
export { bindEnvironment, checkEnvironment } from './environment.ts';
export {
  type ExtractionRow,
  giveUpExtraction,
  notifyLedger,
  readExtraction,
  type Stage,
  setHomes,
  setStage,
  stages,
} from './extraction.ts';
export { type FacadeReport, type FacadeState, readFacades, removeFacade, reportFacade } from './facade.ts';
export {
  channel,
  connectorName,
  type Direction,
  directionFrom,
  type Engine,
  fenceTrigger,
  originName,
  otherDirection,
  otherSide,
  publicationName,
  type Side,
  slotName,
  sourceOf,
  targetOf,
} from './names.ts';
export { type Notice, parseNotice } from './notice.ts';
export {
  beginClosing,
  createOwnership,
  decide,
  type Epoch,
  epochOf,
  fenceSqlState,
  isOpen,
  ledgerExists,
  type OwnerState,
  type Ownership,
  openSide,
  ownerOf,
  ownerStates,
  readOwnership,
  reopen,
  settledOwnership,
} from './ownership.ts';
export { finishRun, hold, type Outcome, type Run, recordEvent, release, renewRun, startRun } from './run.ts';
export { type Hold, type HomeView, readHomeView, readServiceView, type ServiceView } from './view.ts';
