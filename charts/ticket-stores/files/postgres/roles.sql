-- The database and its three roles, each with the least it needs. Safe to run again at any time.
\getenv superuser_password SUPERUSER_PASSWORD
\getenv service_password SERVICE_PASSWORD
\getenv migration_password MIGRATION_PASSWORD
\getenv change_feed_password CHANGE_FEED_PASSWORD

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['ticket_service', 'ticket_migration', 'ticket_change_feed']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE postgres PASSWORD :'superuser_password';
ALTER ROLE ticket_service LOGIN PASSWORD :'service_password';
ALTER ROLE ticket_migration LOGIN PASSWORD :'migration_password';
ALTER ROLE ticket_change_feed LOGIN REPLICATION PASSWORD :'change_feed_password';

SELECT 'CREATE DATABASE tickets' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'tickets')
\gexec

\connect tickets

-- CREATE on the database: publications are made by the owner of the tables.
GRANT CONNECT, CREATE ON DATABASE tickets TO ticket_migration;
GRANT USAGE, CREATE ON SCHEMA public TO ticket_migration;
GRANT USAGE ON SCHEMA public TO ticket_service, ticket_change_feed;
ALTER DEFAULT PRIVILEGES FOR ROLE ticket_migration IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ticket_service;
ALTER DEFAULT PRIVILEGES FOR ROLE ticket_migration IN SCHEMA public
  GRANT USAGE ON SEQUENCES TO ticket_service;
ALTER DEFAULT PRIVILEGES FOR ROLE ticket_migration IN SCHEMA public
  GRANT SELECT ON TABLES TO ticket_change_feed;
