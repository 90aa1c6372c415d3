#!/bin/bash
# Starts a single Kafka broker that is its own controller (KRaft) on /data. Programs create the topics that they own.
set -euo pipefail

configuration=/tmp/server.properties
log_configuration=$(dirname "$0")/log4j2.properties

cat >"$configuration" <<END
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$CONTROLLER_PORT
listeners=PLAINTEXT://$LISTEN_ADDRESS:$PORT,CONTROLLER://127.0.0.1:$CONTROLLER_PORT
advertised.listeners=PLAINTEXT://$ADVERTISED_HOST:$PORT,CONTROLLER://127.0.0.1:$CONTROLLER_PORT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=/data/kafka
auto.create.topics.enable=false
num.partitions=3
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.segment.bytes=67108864
# The default of 128 MB does not fit into the small heap, and the broker dies when the cleaner first runs.
log.cleaner.dedupe.buffer.size=16777216
END

java_options=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=64m -Xss512k -XX:+ExitOnOutOfMemoryError
  -Dlog4j2.configurationFile="$log_configuration" -cp '/opt/kafka/libs/*')

# A cluster id is 16 random bytes in base64url. It must not begin with a dash.
cluster_id() { head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-22 | sed 's/^-/A/'; }

if [[ ! -s /data/kafka/meta.properties ]]; then
  rm -rf /data/kafka # what a first start left that did not finish
  java -Xmx128m "${java_options[@]}" kafka.tools.StorageTool format --standalone -c "$configuration" -t "$(cluster_id)"
fi

exec java -Xms"${HEAP:-160m}" -Xmx"${HEAP:-160m}" "${java_options[@]}" kafka.Kafka "$configuration"
