# Sourced. The five stores: how each is started, and when it is ready.
stores=(postgres redis elasticsearch kafka connect)

# fsync off unless POSTGRES_FSYNC says on, as `make bench` does: nothing here outlives the machine, and what is killed alone
# loses nothing by it.
start_postgres() {
  local fsync=${POSTGRES_FSYNC:-off}
  launch postgres postgres PORT="$postgres_port" POSTGRES_OPTIONS="-c fsync=$fsync -c full_page_writes=$fsync"
}
ready_postgres() { chroot "$fetched/postgres" /usr/lib/postgresql/17/bin/pg_isready -q -h 127.0.0.1 -p "$postgres_port"; }
signal_postgres=INT # its "fast" shutdown does not wait for clients to leave

start_redis() { launch redis redis PORT="$redis_port"; }
ready_redis() { [[ $(chroot "$fetched/redis" redis-cli -h 127.0.0.1 -p "$redis_port" ping) == PONG ]]; }

start_kafka() { launch kafka java PORT="$kafka_port" CONTROLLER_PORT="$kafka_controller_port"; }
ready_kafka() { port_open "$kafka_port"; }

start_connect() { launch connect java PORT="$connect_port" KAFKA_BOOTSTRAP="127.0.0.1:$kafka_port"; }
ready_connect() { curl -fsS --max-time 5 "http://127.0.0.1:$connect_port/health"; }

start_elasticsearch() { launch elasticsearch java PORT="$elasticsearch_port" TRANSPORT_PORT="$elasticsearch_transport_port"; }
ready_elasticsearch() {
  curl -fsS --max-time 5 "http://127.0.0.1:$elasticsearch_port/_cluster/health?wait_for_status=yellow&timeout=1s" | grep -q '"timed_out":false'
}

# kafka_tool CLASS ARG...: one of the tools that come with the broker, named below org.apache.kafka.tools.
kafka_tool() {
  local class=$1; shift
  unshare --mount --propagation private bash -c '
    mount --rbind /dev "$0/java/dev" && mount -t proc proc "$0/java/proc" && mount --bind "$0/kafka" "$0/java/opt/kafka" &&
    exec chroot --userspec=65532:65532 "$0/java" /usr/lib/jvm/java-21-openjdk-amd64/bin/java -Xmx128m -XX:+UseSerialGC \
      -XX:TieredStopAtLevel=1 -XX:-UsePerfData -cp "/opt/kafka/libs/*" "$@"' \
    "$fetched" "org.apache.kafka.tools.$class" --bootstrap-server "127.0.0.1:$kafka_port" "$@"
}
