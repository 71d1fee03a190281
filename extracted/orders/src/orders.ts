import type { Logger, OwnershipCheck } from '@shop/service-kit';
import type { Pool } from 'pg';
import type { Contexts } from './contexts.ts';
import type { SagaHolder } from './sagas.ts';

/** What the work on orders needs from outside. */
export interface Orders {
  pool: Pool;
  contexts: Contexts;
  owns: OwnershipCheck;
  holder: SagaHolder;
  logger: Logger;
}
