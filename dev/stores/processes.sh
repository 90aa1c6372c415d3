# Sourced. Processes of one instance. Each store runs in pid, ipc and mount namespaces of its own: what it starts and what
# it mounts ends with it. A pid file holds "pid start-time", so a recycled pid is never taken for ours.

# State and start time of a process, read at once: between two looks it may end, and be taken for one that lives.
life_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f1,20; }

# The process that holds a store's namespaces; its end is the end of the store.
holder_of() {
  local pid born state since
  read -r pid born 2>/dev/null <"$instance/run/$1" && read -r state since < <(life_of "$pid") &&
    [[ $since == "$born" && $state != [ZX] ]] && echo "$pid"
}
alive() { holder_of "$1" >/dev/null; }

# The store's own first process, as the host numbers it.
pid_of() {
  local holder
  holder=$(holder_of "$1") && cut -d' ' -f1 "/proc/$holder/task/$holder/children"
}

# launch STORE ROOT [NAME=VALUE...]: runs the chart's start script of STORE in the Debian root ROOT.
launch() {
  local store=$1 root=$2; shift 2
  mkdir -p "$instance/data/$store" "$instance/run" "$instance/log"
  chown "$store_user:$store_user" "$instance/data/$store"
  if [[ -s $instance/log/$store ]]; then mv "$instance/log/$store" "$instance/log/$store.previous"; fi
  rm -f "$instance/run/$store"
  # The shell execs, so its number is that of the holder.
  setsid bash -c 'echo "$$" >"$0"; exec "$@"' "$instance/run/$store.new" \
    unshare --mount --pid --ipc --fork --kill-child --propagation private \
    "$stores_source/in-root" "$store" "$fetched" "$root" "$instance" "$start_scripts/$store" \
    "LISTEN_ADDRESS=127.0.0.1" "ADVERTISED_HOST=127.0.0.1" "$@" >"$instance/log/$store" 2>&1 </dev/null 9>&- &
  local holder=$!
  until [[ -s $instance/run/$store.new ]] || ! kill -0 "$holder" 2>/dev/null; do read -rt 0.01 <> <(:) || :; done
  holder=$(cat "$instance/run/$store.new")
  echo "$holder $(life_of "$holder" | cut -d' ' -f2)" >"$instance/run/$store"
  rm -f "$instance/run/$store.new"
}

# wait_for STORE SECONDS: until its probe answers; at once when it died.
wait_for() {
  local store=$1 deadline=$(( SECONDS + $2 ))
  until "ready_$store" >/dev/null 2>&1; do
    alive "$store" || fail "$store ended; the end of $instance/log/$store: $(tail -n 15 "$instance/log/$store")"
    (( SECONDS < deadline )) || fail "$store is not ready after $2 s, see $instance/log/$store"
    sleep 0.1 # the pause between two probes
  done
  alive "$store" || fail "$store ended, and something else answers on its port"
}

# stop STORE SIGNAL: asks, and after 20 s ends the namespace.
stop() {
  local store=$1 holder pid deadline=$(( SECONDS + 20 ))
  holder=$(holder_of "$store") || { rm -f "$instance/run/$store"; return 0; }
  pid=$(pid_of "$store")
  # One that somebody stopped has to go on to hear of its end.
  if [[ -n $pid ]]; then kill -s "$2" "$pid" 2>/dev/null && kill -s CONT "$pid" 2>/dev/null || true; fi
  while alive "$store" && (( SECONDS < deadline )); do sleep 0.05; done
  if alive "$store"; then
    say "$store did not end by itself"
    # The store has another user than its holder, so the kernel does not end it with it.
    kill -9 ${pid:+"$pid"} "$holder"
    while alive "$store"; do sleep 0.02; done
  fi
  rm -f "$instance/run/$store"
}
