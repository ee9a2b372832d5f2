-- The roles of the containers' database: strangler owns the tables, strangler_fastapi is FastAPI's. Neither may make
-- roles or databases; what FastAPI's may read and write is granted by `strangler grant`.
-- PostgreSQL runs this file when it makes its data folder. After a password has changed, run it by hand:
--   docker compose exec postgres psql -U postgres -d strangler -f /docker-entrypoint-initdb.d/roles.sql
\set ON_ERROR_STOP on
\getenv owner_password DATABASE_PASSWORD
\getenv fastapi_password FASTAPI_DATABASE_PASSWORD

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['strangler', 'strangler_fastapi']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE strangler LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD :'owner_password';
ALTER ROLE strangler_fastapi LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD :'fastapi_password';

-- Those of strangler/schema/grants.py, whose role may not give them here.
ALTER ROLE strangler_fastapi SET statement_timeout = '30s';
ALTER ROLE strangler_fastapi SET lock_timeout = '5s';
ALTER ROLE strangler_fastapi SET idle_in_transaction_session_timeout = '60s';

ALTER DATABASE :"DBNAME" OWNER TO strangler;
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
-- Nor may FastAPI's role store anything outside the tables in large objects.
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) TO strangler;
