#!/bin/bash
# Starts PostgreSQL on /data. Every start first sets roles, passwords and the database as the mounted Secrets say, over a
# socket that no other client reaches. So a changed password is valid, and a first start that was cut off is completed.
set -euo pipefail

scripts=$(dirname "$0")
data=/data/postgres
sockets=/tmp

password() { cat "/etc/ticket-platform/secrets/$1/password"; }

if [[ ! -s $data/PG_VERSION ]]; then
  rm -rf "$data.new"
  initdb --pgdata="$data.new" --username=postgres --pwfile=/etc/ticket-platform/secrets/postgres-superuser/password \
    --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 --data-checksums
  echo "host all all all scram-sha-256" >>"$data.new/pg_hba.conf"
  echo "host replication all all scram-sha-256" >>"$data.new/pg_hba.conf"
  mv "$data.new" "$data"
fi

# The first process of a container (or of a namespace of its own) knows that the process which wrote these files is gone.
# Both files outlive a container that was killed, because /tmp belongs to the pod.
if (( $$ == 1 )); then rm -f "$data/postmaster.pid" "$sockets"/.s.PGSQL.*; fi

# wal_level and slots: the change feed needs them, and once there is a slot no recovery starts without them. A slot that
# nobody reads is given up at max_slot_wal_keep_size, so that a stopped connector does not fill the volume.
# jit: the image lacks its libraries.
settings="-c wal_level=logical -c max_replication_slots=20 -c max_wal_senders=24 -c max_slot_wal_keep_size=2GB
  -c max_connections=300 -c shared_buffers=128MB -c jit=off -c unix_socket_directories=$sockets ${POSTGRES_OPTIONS:-}"

recovery_seconds=600
pg_ctl --pgdata="$data" --silent --wait --timeout="$recovery_seconds" --options="${settings//$'\n'/ } -c listen_addresses=" start
SUPERUSER_PASSWORD=$(password postgres-superuser) SERVICE_PASSWORD=$(password postgres-service) \
MIGRATION_PASSWORD=$(password postgres-migration) CHANGE_FEED_PASSWORD=$(password postgres-change-feed) \
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --host="$sockets" --username=postgres --dbname=postgres --file="$scripts/roles.sql" >/dev/null
pg_ctl --pgdata="$data" --silent --wait --mode=fast stop

# shellcheck disable=SC2086 # the settings must be split into words
exec postgres -D "$data" $settings -c listen_addresses="$LISTEN_ADDRESS" -c port="$PORT" -c log_line_prefix='%m [%p] %u@%d '
