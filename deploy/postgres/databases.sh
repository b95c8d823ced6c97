#!/bin/sh
# Run once on an empty server, by the postgres image or by hand: two roles that cannot see each other's data.
# Environment: DB_PASSWORD, PREFECT_DB_PASSWORD, and psql's own (PGHOST, PGUSER ...) to connect as an administrator.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv ours DB_PASSWORD
\getenv prefects PREFECT_DB_PASSWORD
CREATE ROLE tuoqi LOGIN PASSWORD :'ours';
CREATE ROLE prefect LOGIN PASSWORD :'prefects';
CREATE DATABASE tuoqi OWNER tuoqi;
CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE tuoqi_scratch OWNER tuoqi;  -- backups are proved in it; it is empty otherwise
REVOKE ALL ON DATABASE tuoqi, prefect, tuoqi_scratch FROM PUBLIC;
SQL
