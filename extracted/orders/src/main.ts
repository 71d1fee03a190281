import { createLogger, runService } from '@shop/service-kit';
import { readConfiguration } from './configuration.ts';
import { startOrders } from './service.ts';

const logger = createLogger('orders', process.env['LOG_LEVEL'] || 'info');
await runService(async () => startOrders(readConfiguration(process.env), logger), logger);
