# Sourced. The ports of one instance, chosen once and kept in its `ports` file; one that somebody else took is replaced.
declare -A usual_ports=(
  [postgres_port]=5432 [redis_port]=6379 [kafka_port]=9092 [kafka_controller_port]=9093
  [connect_port]=8083 [elasticsearch_port]=9200 [elasticsearch_transport_port]=9300
)

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which the kernel gives ports to clients, so that none of those sits on it later.
free_port() {
  local port
  while :; do
    port=$(( 20000 + RANDOM % 12000 ))
    port_open "$port" || grep -qs "=$port$" "$state_root"/stores-*/ports || { echo "$port"; return; }
  done
}

choose_port() {
  local name=$1 usual=${usual_ports[$1]} port
  if [[ $name_of_instance == dev ]] && ! port_open "$usual"; then
    port=$usual
  else
    port=$(free_port)
    [[ $name_of_instance != dev ]] || say "port $usual is taken: $name is $port"
  fi
  printf -v "$name" %s "$port"
}

load_ports() { if [[ -s $instance/ports ]]; then source "$instance/ports"; fi; }

# choose_ports STORE: before it is started. All that have none get one, so that settings name every store.
choose_ports() {
  local name
  for name in "${!usual_ports[@]}"; do
    if [[ -z ${!name:-} ]] || { [[ $name == "$1"_* ]] && port_open "${!name}"; }; then choose_port "$name"; fi
  done
  for name in "${!usual_ports[@]}"; do echo "$name=${!name}"; done | sort >"$instance/ports"
}
