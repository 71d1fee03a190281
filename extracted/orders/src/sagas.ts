import type { Queryable } from '@shop/service-kit';

/**
 * The rows by which a crash is survived. A saga belongs to one holder while its lease lasts; every step is a compare
 * and set of its state, so that a holder that comes late changes nothing.
 *
 * place: started → placed → done, or started → compensating → compensated; cancel begins at compensating.
 */
export interface Saga {
  sagaId: string;
  orderId: string;
}

export type OpenState = 'placed' | 'compensating';

interface SagaRow {
  saga_id: string;
  order_id: string;
}

export interface SagaHolder {
  /** This process, unlike any before it. */
  id: string;
  leaseMs: number;
  /** The sagas that it works on at this moment: only their leases are renewed. */
  working: Set<string>;
}

/** Keeps the saga's lease as long as `work` lasts; afterwards it lapses, unless the saga has ended. */
export async function holding<Result>(
  holder: SagaHolder,
  saga: Saga,
  work: () => Promise<Result>,
): Promise<Result> {
  holder.working.add(saga.sagaId);
  try {
    return await work();
  } finally {
    holder.working.delete(saga.sagaId);
  }
}

const lease = (parameter: string): string => `clock_timestamp() + ${parameter} * interval '1 ms'`;

/**
 * Begins to place an order under an id of its own. Undefined while another request with the same key is at work: at
 * most one is `started` at a time, and from `placed` on the key's answer is stored.
 *
 * The id is taken in one transaction with a write that changes no order, so that the database refuses it when this
 * side has ceased to own since it was asked: the owner would give the same id to another order, and our compensation
 * would take back that order's stock and money.
 */
export async function claimSaga(
  database: Queryable,
  holder: SagaHolder,
  customerId: string,
  requestKey: string | undefined,
): Promise<Saga | undefined> {
  const { rows } = await database.query<SagaRow>(
    `with fenced as (update orders.customer_order set state = state where false)
     insert into orders.saga (kind, state, order_id, customer_id, request_key, holder, lease_until)
     values ('place', 'started', nextval('orders.customer_order_id'), $1, $2, $3, ${lease('$4')})
     on conflict (customer_id, request_key) where request_key is not null and state = 'started'
     do nothing
     returning saga_id, order_id`,
    [customerId, requestKey ?? null, holder.id, holder.leaseMs],
  );
  return rows.map(toSaga)[0];
}

/** Whether a request with this key is at work. */
export async function requestAtWork(
  database: Queryable,
  customerId: string,
  requestKey: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    `select from orders.saga where customer_id = $1 and request_key = $2 and state = 'started'`,
    [customerId, requestKey],
  );
  return rowCount !== 0;
}

/** Takes back a claim under which nothing was asked of anybody yet. */
export async function dropClaim(database: Queryable, saga: Saga): Promise<void> {
  await database.query(`delete from orders.saga where saga_id = $1 and state = 'started'`, [saga.sagaId]);
}

/** Turns back before the order exists. False if it exists already, or another process has turned back. */
export async function turnBack(database: Queryable, saga: Saga, problem: string): Promise<boolean> {
  const { rowCount } = await database.query(
    `update orders.saga set state = 'compensating', last_problem = $2, changed_at = clock_timestamp()
     where saga_id = $1 and state = 'started'`,
    [saga.sagaId, problem],
  );
  return rowCount === 1;
}

export async function isPlaced(database: Queryable, saga: Saga): Promise<boolean> {
  const { rowCount } = await database.query(
    `select from orders.saga where saga_id = $1 and state in ('placed', 'done')`,
    [saga.sagaId],
  );
  return rowCount === 1;
}

/** The saga's last step: everything that it asked of other contexts is answered. */
export async function finishSaga(database: Queryable, saga: Saga, from: OpenState): Promise<void> {
  await database.query(
    `update orders.saga set state = $3, holder = null, changed_at = clock_timestamp()
     where saga_id = $1 and state = $2`,
    [saga.sagaId, from, from === 'placed' ? 'done' : 'compensated'],
  );
}

/** Leaves an unfinished saga to whoever looks next, not before the delay is over. */
export async function letGo(
  database: Queryable,
  saga: Saga,
  problem: string,
  delayMs: number,
): Promise<void> {
  await database.query(
    `update orders.saga set holder = null, last_problem = $2, changed_at = clock_timestamp(),
       next_attempt_at = ${lease('$3')}
     where saga_id = $1 and state not in ('done', 'compensated')`,
    [saga.sagaId, problem, delayMs],
  );
}

/** Keeps the sagas that this process works on its own. */
export async function renewLeases(database: Queryable, holder: SagaHolder): Promise<void> {
  if (holder.working.size === 0) return;
  await database.query(
    `update orders.saga set lease_until = ${lease('$2')}
     where saga_id = any($3::bigint[]) and holder = $1 and state not in ('done', 'compensated')
       and lease_until < ${lease('$2 * 0.7')}`,
    [holder.id, holder.leaseMs, [...holder.working]],
  );
}

export interface Inherited extends Saga {
  state: OpenState;
  attempts: number;
}

/**
 * Takes over unfinished sagas that no living process holds. The order of a saga that is still `started` was never
 * written, since its row and that state change together: it can only turn back.
 */
export async function takeOver(database: Queryable, holder: SagaHolder, limit: number): Promise<Inherited[]> {
  const { rows } = await database.query<SagaRow & { state: OpenState; attempts: number }>(
    `with due as (
       select saga_id from orders.saga
       where state not in ('done', 'compensated') and next_attempt_at <= clock_timestamp()
         and (holder is null or lease_until <= clock_timestamp())
       order by saga_id limit $3 for update skip locked
     )
     update orders.saga s set holder = $1, lease_until = ${lease('$2')}, attempts = s.attempts + 1,
       state = case s.state when 'started' then 'compensating' else s.state end, changed_at = clock_timestamp()
     from due where s.saga_id = due.saga_id
     returning s.saga_id, s.order_id, s.state, s.attempts`,
    [holder.id, holder.leaseMs, limit],
  );
  return rows.map((row) => ({ ...toSaga(row), state: row.state, attempts: row.attempts }));
}

/** Forgets sagas that ended more than an hour ago. */
export async function forgetFinished(database: Queryable): Promise<void> {
  await database.query(
    `delete from orders.saga where saga_id in (
       select saga_id from orders.saga
       where state in ('done', 'compensated') and changed_at < clock_timestamp() - interval '1 hour'
       order by changed_at limit 5000)`,
  );
}

function toSaga(row: SagaRow): Saga {
  return { sagaId: row.saga_id, orderId: row.order_id };
}
