-- For the DBA: run once in the service's database, as a superuser. Safe to run again.
-- Passwords are set by the caller (alter role … password …), never here.
do $$
declare
  wanted record;
begin
  for wanted in
    select * from (values ('orders_owner', 'nologin'), ('orders_migrator', 'login'), ('orders_app', 'login')) as r(name, login)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted.name) then
      execute format('create role %I %s', wanted.name, wanted.login);
    end if;
  end loop;
  -- Migrations do SET ROLE orders_owner, which owns everything and cannot log in.
  grant orders_owner to orders_migrator;
  execute format('grant create on database %I to orders_owner', current_database());
  execute format('grant connect on database %I to orders_migrator, orders_app', current_database());
end
$$;
