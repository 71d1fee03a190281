export { type ConfigInput, defineConfig, engine, env } from './define.ts';
export { loadConfig } from './load.ts';
export type {
  ClientIdentity,
  ColumnMapping,
  Config,
  Engine,
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
