-- The shop's roles, made once by a DBA (a superuser) in the shop's database. Safe to run again.
-- Passwords are the DBA's to set: ALTER ROLE shop_app PASSWORD '…'; ALTER ROLE shop_migrator PASSWORD '…';
--
--   shop_owner     owns the schema and its tables; nobody logs in as it
--   shop_migrator  logs in for migrations and seeding, and works as shop_owner by SET ROLE
--   shop_app       the running shop and its nightly job: reads and writes rows, changes no schema
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_owner') THEN
    CREATE ROLE shop_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_migrator') THEN
    CREATE ROLE shop_migrator LOGIN NOINHERIT;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_app') THEN
    CREATE ROLE shop_app LOGIN;
  END IF;
  IF NOT pg_has_role('shop_migrator', 'shop_owner', 'MEMBER') THEN
    GRANT shop_owner TO shop_migrator;
  END IF;
  EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO shop_owner', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO shop_migrator, shop_app', current_database());
END
$$;
