export type { Configuration } from './configuration.ts';
export { readConfiguration } from './configuration.ts';
export { migrate } from './migrate.ts';
export { startOrders } from './service.ts';
