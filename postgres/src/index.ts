export { connect, type ConnectOptions, connectionError, type Role, replicationClient, roleUrl, SqlPool } from './connection.ts';
export { formatLsn, type Lsn, laterLsn, lsn, parseLsn } from './lsn.ts';
export { ident, literal, parseTableName, qualified, type TableName } from './names.ts';
