#!/bin/sh
# Run once by the image of PostgreSQL, as the DBA would: the shop's roles and their passwords.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres -d shop -f /roles.sql
psql -v ON_ERROR_STOP=1 -U postgres -d shop -v app="$SHOP_APP_PASSWORD" -v migrator="$SHOP_MIGRATOR_PASSWORD" <<'SQL'
alter role shop_app password :'app';
alter role shop_migrator password :'migrator';
SQL
