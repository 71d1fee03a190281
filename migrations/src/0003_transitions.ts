import type { Knex } from 'knex';
import { lockClass } from './0002_fence.ts';

/**
 * The four transitions of ownership, each one autocommit call under the exclusive lock, so that no client of ours can
 * hold the lock while idle. The row's own change is the marker that the stream carries to the other side.
 */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    -- First politely: a try-lock neither queues nor refuses a newcomer. Then one firm wait, which is the drain's bound.
    CREATE FUNCTION strangler.lock_of(x text, polite_ms int, wait_ms int) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    DECLARE k int; polite_until timestamptz := clock_timestamp() + polite_ms * interval '1 millisecond';
    BEGIN
      SELECT lock_key INTO k FROM strangler.ownership WHERE extraction = x;
      IF k IS NULL THEN
        RAISE EXCEPTION 'no extraction %', x USING ERRCODE = 'SF003';
      END IF;
      WHILE clock_timestamp() < polite_until LOOP
        IF pg_try_advisory_xact_lock(${lockClass}, k) THEN
          PERFORM set_config('synchronous_commit', 'on', true);
          RETURN;
        END IF;
        PERFORM pg_sleep(0.003);
      END LOOP;
      PERFORM set_config('synchronous_commit', 'on', true), set_config('lock_timeout', wait_ms || 'ms', true);
      PERFORM pg_advisory_xact_lock(${lockClass}, k);
    END $$;

    -- Step 3, fence: open → closing until a deadline of this database's clock.
    CREATE FUNCTION strangler.begin_closing(
      x text, at_epoch bigint, polite_ms int, wait_ms int, lease_ms int, tables text[])
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE e bigint; bare text;
    BEGIN
      PERFORM strangler.lock_of(x, polite_ms, wait_ms);
      SELECT string_agg(u::text, ', ') INTO bare
        FROM strangler.unfenced((SELECT array_agg(t::regclass) FROM unnest(tables) t), x) u;
      IF bare IS NOT NULL THEN
        RAISE EXCEPTION 'no fence on %', bare USING ERRCODE = 'SF002';
      END IF;
      IF EXISTS (SELECT FROM pg_prepared_xacts p JOIN pg_locks l ON l.virtualtransaction = '-1/' || p.transaction::text
                 WHERE l.relation = ANY (SELECT t::regclass::oid FROM unnest(tables) t)) THEN
        RAISE EXCEPTION 'a prepared transaction holds the tables' USING ERRCODE = 'SF005';
      END IF;
      UPDATE strangler.ownership
        SET state = 'closing', epoch = epoch + 1, deadline = clock_timestamp() + lease_ms * interval '1 millisecond'
        WHERE extraction = x AND epoch = at_epoch
          AND (state = 'open' OR (state = 'closing' AND clock_timestamp() >= deadline))
        RETURNING epoch INTO e;
      IF e IS NULL THEN
        RAISE EXCEPTION 'not the owner at epoch %', at_epoch USING ERRCODE = 'SF003';
      END IF;
      PERFORM pg_notify('strangler', json_build_object('kind', 'ownership', 'extraction', x)::text);
      RETURN e;
    END $$;

    -- Step 5, decide: closing → closed, at this epoch and before the deadline. The commit point.
    CREATE FUNCTION strangler.decide(x text, fence_epoch bigint, wait_ms int, counters jsonb) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE e bigint; counter record; value bigint; last_values jsonb := '{}';
    BEGIN
      PERFORM strangler.lock_of(x, 0, wait_ms);
      FOR counter IN SELECT key, val::regclass AS relation FROM jsonb_each_text(counters) c (key, val) LOOP
        EXECUTE format('SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM %s', counter.relation)
          INTO value;
        last_values := last_values || jsonb_build_object(counter.key, value::text);
      END LOOP;
      UPDATE strangler.ownership
        SET state = 'closed', epoch = epoch + 1, deadline = NULL, sequences = last_values
        WHERE extraction = x AND state = 'closing' AND epoch = fence_epoch AND clock_timestamp() < deadline
        RETURNING epoch INTO e;
      IF e IS NULL THEN
        RAISE EXCEPTION 'too late to decide: the fence of epoch % lapsed or moved', fence_epoch USING ERRCODE = 'SF004';
      END IF;
      PERFORM pg_notify('strangler', json_build_object('kind', 'ownership', 'extraction', x)::text);
      RETURN e;
    END $$;

    -- Back out of an undecided fence: closing → open at once, instead of waiting for the lapse. Kills a decide in flight.
    CREATE FUNCTION strangler.reopen(x text, fence_epoch bigint, wait_ms int) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE e bigint;
    BEGIN
      PERFORM strangler.lock_of(x, 0, wait_ms);
      UPDATE strangler.ownership SET state = 'open', epoch = epoch + 1, deadline = NULL
        WHERE extraction = x AND state = 'closing' AND epoch = fence_epoch
        RETURNING epoch INTO e;
      IF e IS NULL THEN
        RAISE EXCEPTION 'nothing to reopen at epoch %', fence_epoch USING ERRCODE = 'SF003';
      END IF;
      PERFORM pg_notify('strangler', json_build_object('kind', 'ownership', 'extraction', x)::text);
      RETURN e;
    END $$;

    -- Step 6, open: closed → open, by the sink, in the transaction that applies the other side's decision.
    CREATE FUNCTION strangler.open_side(x text, decided_epoch bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE e bigint;
    BEGIN
      PERFORM strangler.lock_of(x, 0, 10000);
      UPDATE strangler.ownership
        SET state = 'open', epoch = decided_epoch + 1, term = decided_epoch + 1, deadline = NULL
        WHERE extraction = x AND state = 'closed' AND epoch < decided_epoch
        RETURNING epoch INTO e;
      IF e IS NULL THEN
        RAISE EXCEPTION 'cannot open after the decision of epoch %', decided_epoch USING ERRCODE = 'SF003';
      END IF;
      PERFORM pg_notify('strangler', json_build_object('kind', 'ownership', 'extraction', x)::text);
      RETURN e;
    END $$;

    -- In doubt after a crash: take the exclusive lock, then read. Never called while a side is open.
    CREATE FUNCTION strangler.settled_ownership(x text, wait_ms int) RETURNS SETOF strangler.ownership
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      PERFORM strangler.lock_of(x, 0, wait_ms);
      RETURN QUERY SELECT * FROM strangler.ownership o WHERE o.extraction = x;
    END $$;

    REVOKE ALL ON FUNCTION strangler.lock_of(text, int, int),
      strangler.begin_closing(text, bigint, int, int, int, text[]), strangler.decide(text, bigint, int, jsonb),
      strangler.reopen(text, bigint, int), strangler.open_side(text, bigint),
      strangler.settled_ownership(text, int) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION strangler.begin_closing(text, bigint, int, int, int, text[]),
      strangler.decide(text, bigint, int, jsonb), strangler.reopen(text, bigint, int),
      strangler.settled_ownership(text, int) TO strangler_operator;
    GRANT EXECUTE ON FUNCTION strangler.open_side(text, bigint) TO strangler_apply;
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw(`
    DROP FUNCTION strangler.settled_ownership(text, int);
    DROP FUNCTION strangler.open_side(text, bigint);
    DROP FUNCTION strangler.reopen(text, bigint, int);
    DROP FUNCTION strangler.decide(text, bigint, int, jsonb);
    DROP FUNCTION strangler.begin_closing(text, bigint, int, int, int, text[]);
    DROP FUNCTION strangler.lock_of(text, int, int);
  `);
}
