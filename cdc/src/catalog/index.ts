export {
  type Catalog,
  type Child,
  type ColumnFacts,
  type ColumnSequence,
  type ForeignKey,
  type ForeignKeyAction,
  type RelationKind,
  type TableFacts,
  type Trigger,
  tableIn,
  type UniqueIndex,
} from './model.ts';
export { readCatalog } from './read.ts';
