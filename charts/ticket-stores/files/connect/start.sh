#!/bin/bash
# Starts a Kafka Connect worker with Debezium's PostgreSQL connector. Kafka keeps everything that it knows.
# Connectors refer to passwords in this form: ${directory:/etc/ticket-platform/secrets/postgres-change-feed:password}
set -euo pipefail

configuration=/tmp/connect.properties
log_configuration=$(dirname "$0")/log4j2.properties

cat >"$configuration" <<END
bootstrap.servers=$KAFKA_BOOTSTRAP
group.id=connect
listeners=HTTP://$LISTEN_ADDRESS:$PORT
rest.advertised.host.name=$ADVERTISED_HOST
config.storage.topic=_connect-configs
config.storage.replication.factor=1
offset.storage.topic=_connect-offsets
offset.storage.replication.factor=1
offset.storage.partitions=4
offset.flush.interval.ms=5000
status.storage.topic=_connect-status
status.storage.replication.factor=1
status.storage.partitions=2
key.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
topic.creation.enable=true
# There is only one worker, so no rebalance needs a delay. By default the tasks of a replaced pod would wait five minutes.
scheduled.rebalance.max.delay.ms=0
session.timeout.ms=10000
config.providers=directory,file
config.providers.directory.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider
config.providers.directory.param.allowed.paths=/etc/ticket-platform/secrets
config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
config.providers.file.param.allowed.paths=/etc/ticket-platform/secrets
plugin.path=/opt/kafka/plugins
plugin.discovery=service_load
END

exec java -Xms"${HEAP:-160m}" -Xmx"${HEAP:-160m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=64m \
  -Xss512k -XX:+ExitOnOutOfMemoryError -Dlog4j2.configurationFile="$log_configuration" -cp '/opt/kafka/libs/*' \
  org.apache.kafka.connect.cli.ConnectDistributed "$configuration"
