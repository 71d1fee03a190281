export { type ConfigInput, defineConfig, env } from './define.ts';
export { loadConfig } from './load.ts';
export type {
  ClientIdentity,
  ColumnMapping,
  Config,
  Extraction,
  Late,
  Limits,
  ParityPlan,
  ReaderRoute,
  Route,
  RouteKind,
  StatelessRoute,
  TableMapping,
} from './model.ts';
export { extractionOf, flagName } from './model.ts';
export { parseConfig } from './parse.ts';
