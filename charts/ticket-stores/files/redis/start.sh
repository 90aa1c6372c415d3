#!/bin/bash
# Starts Redis on /data. Holds must never be evicted, so a full Redis refuses writes.
set -euo pipefail

configuration=/tmp/redis.conf
password_file=/etc/ticket-platform/secrets/redis/password

umask 077 # the password is in this file and not in the process list
cat >"$configuration" <<END
bind $LISTEN_ADDRESS
port $PORT
dir /data
protected-mode no
appendonly yes
appendfsync everysec
save ""
maxmemory ${MAX_MEMORY:-256mb}
maxmemory-policy noeviction
END
if [[ -s $password_file ]]; then
  echo "requirepass $(cat "$password_file")" >>"$configuration"
fi

exec redis-server "$configuration"
