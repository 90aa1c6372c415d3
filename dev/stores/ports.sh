# Sourced. The ports of one instance, chosen once and kept in its `ports` file.

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which the kernel gives ports to clients, so that none of those sits on it later.
free_port() {
  local port
  while :; do
    port=$(( 20000 + RANDOM % 12000 ))
    port_open "$port" || grep -qs "=$port$" "$state_root"/stores-*/ports || { echo "$port"; return; }
  done
}

# port NAME USUAL: the usual port for the instance `dev` where it is free, else any.
choose_port() {
  local name=$1 usual=$2 port
  if [[ $name_of_instance == dev ]] && ! port_open "$usual"; then
    port=$usual
  else
    port=$(free_port)
    [[ $name_of_instance != dev ]] || say "port $usual is taken: $name gets $port"
  fi
  echo "$name=$port" >>"$instance/ports"
}

load_ports() {
  mkdir -p "$instance"
  if [[ ! -s $instance/ports ]]; then
    choose_port postgres_port 5432
    choose_port redis_port 6379
    choose_port kafka_port 9092
    choose_port kafka_controller_port 9093
    choose_port connect_port 8083
    choose_port elasticsearch_port 9200
    choose_port elasticsearch_transport_port 9300
  fi
  source "$instance/ports"
}
