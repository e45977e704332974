#!/usr/bin/env bash
# Makes a role per task, each with no more than it needs; the official image runs it once, on an empty data folder.
# Passwords come from the environment; psql reads them itself, so that they appear in no argument list.
set -euo pipefail
: "${RELAIS_OWNER_PASSWORD:?}" "${RELAIS_APP_PASSWORD:?}" "${RELAIS_MONITOR_PASSWORD:?}"

psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password RELAIS_OWNER_PASSWORD
\getenv app_password RELAIS_APP_PASSWORD
\getenv monitor_password RELAIS_MONITOR_PASSWORD

-- Owns the schema and migrates it; used by the one-shot `migrate` alone.
CREATE ROLE relais_owner LOGIN PASSWORD :'owner_password';
-- API, worker and sweeper: rows, not tables.
CREATE ROLE relais_app LOGIN PASSWORD :'app_password';
-- The monitor: reads, and can't be made to write. Each has 5 connections at most: enough for two, and for an upgrade.
CREATE ROLE relais_monitor LOGIN PASSWORD :'monitor_password' CONNECTION LIMIT 20;

-- A queue table dies of a pinned snapshot, whoever pins it.
ALTER ROLE relais_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE relais_app SET statement_timeout = '60s';
ALTER ROLE relais_monitor SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE relais_monitor SET statement_timeout = '30s';
ALTER ROLE relais_monitor SET default_transaction_read_only = on;

-- UTF-8 whatever the server's default; sorted by code point, as in the embedded database that the tests run on.
CREATE DATABASE relais OWNER relais_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE relais FROM PUBLIC;
GRANT CONNECT ON DATABASE relais TO relais_app, relais_monitor;

\connect relais
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO relais_owner;
GRANT USAGE ON SCHEMA public TO relais_app, relais_monitor;

-- What migrations will create.
SET ROLE relais_owner;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO relais_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO relais_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO relais_monitor;
SQL
