export {
  type ConnectOptions,
  connect,
  connectionError,
  type Role,
  type Row,
  replicationClient,
  roleUrl,
  type Sql,
  SqlPool,
} from './connection.ts';
export { formatLsn, type Lsn, laterLsn, lsn, parseLsn } from './lsn.ts';
export { ident, literal, parseTableName, qualified, type TableName } from './names.ts';
