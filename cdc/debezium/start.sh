#!/bin/sh
# `start.sh broker` or `start.sh connect`, in the container that the Dockerfile beside it makes.
set -eu
log=-Dlog4j2.configurationFile=file:conf/log4j2.xml
case "${1:-}" in
broker)
  if [ ! -f /var/lib/kafka/data/meta.properties ]; then
    java -Xmx128m "$log" -cp 'lib/*' kafka.tools.StorageTool format -t "$(java -Xmx64m "$log" -cp 'lib/*' kafka.tools.StorageTool random-uuid)" -c conf/broker.properties
  fi
  exec java -Xms128m -Xmx512m -XX:+UseSerialGC "$log" -cp 'lib/*' kafka.Kafka conf/broker.properties
  ;;
connect)
  exec java -Xms128m -Xmx768m -XX:+UseSerialGC "$log" -cp 'lib/*' org.apache.kafka.connect.cli.ConnectDistributed conf/connect.properties
  ;;
*)
  echo "start.sh broker | connect" >&2
  exit 64
  ;;
esac
