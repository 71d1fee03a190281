#!/bin/sh
# Run once by the image of PostgreSQL, as the DBA would: the orders service's roles and their passwords.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres -d orders -f /roles.sql
psql -v ON_ERROR_STOP=1 -U postgres -d orders -v app="$ORDERS_APP_PASSWORD" -v migrator="$ORDERS_MIGRATOR_PASSWORD" <<'SQL'
alter role orders_app password :'app';
alter role orders_migrator password :'migrator';
SQL
