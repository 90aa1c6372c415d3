#!/bin/bash
# Starts a single Elasticsearch node on /data. The configuration folder is created anew, because the server writes into it.
set -euo pipefail

home=/opt/elasticsearch
export ES_PATH_CONF=/tmp/configuration ES_TMPDIR=/tmp/work # side by side: the first must not lie inside the second
rm -rf "$ES_PATH_CONF"
mkdir -p "$ES_PATH_CONF/jvm.options.d" "$ES_TMPDIR" /tmp/logs /data/elasticsearch
cp "$(dirname "$0")/log4j2.properties" "$ES_PATH_CONF/"
cp "$home/config/jvm.options" "$ES_PATH_CONF/"

cat >"$ES_PATH_CONF/elasticsearch.yml" <<END
cluster.name: tickets
node.name: elasticsearch-0
path.data: /data/elasticsearch
path.logs: /tmp/logs
http.host: $LISTEN_ADDRESS
http.port: $PORT
transport.host: 127.0.0.1
transport.port: $TRANSPORT_PORT
discovery.type: single-node
xpack.security.enabled: false
# Other programs fill the same disk, so its share in use means nothing here. Above a limit indices would become read-only.
cluster.routing.allocation.disk.threshold_enabled: false
action.auto_create_index: false
END

cat >"$ES_PATH_CONF/jvm.options.d/small.options" <<END
-Xms${HEAP:-256m}
-Xmx${HEAP:-256m}
-XX:-UseG1GC
-XX:+UseSerialGC
-XX:-AlwaysPreTouch
-XX:-HeapDumpOnOutOfMemoryError
-XX:TieredStopAtLevel=1
-XX:ReservedCodeCacheSize=64m
-Xlog:disable
-Xlog:all=warning:stderr
END

# CLI_JAVA_OPTS: the launcher stays as the parent process and needs almost no memory.
export ES_JAVA_HOME=$JAVA_HOME CLI_JAVA_OPTS="-Xms8m -Xmx32m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
exec bash "$home/bin/elasticsearch"
