export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
export { assertPortFree, freePort } from './port.ts';
export { reachableDirectory } from './system-user.ts';
