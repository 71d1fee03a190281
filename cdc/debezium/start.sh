# `sh start.sh broker` or `sh start.sh connect`: what the image beside it runs, as grown/src/jvm.ts does without one.
set -eu
flags='-Xms128m -XX:+UseSerialGC -Dlog4j2.configurationFile=file:conf/log4j2.xml'
case "${1:-}" in
broker)
  data=$(sed -n 's/^log\.dirs=//p' conf/broker.properties)
  if [ ! -f "$data/meta.properties" ]; then
    # 22 letters and digits, as the format wants it; a leading hyphen would be taken for an option.
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | head -c 22)
    # shellcheck disable=SC2086
    java $flags -Xmx128m -cp 'lib/*' kafka.tools.StorageTool format -t "$id" -c conf/broker.properties
  fi
  # shellcheck disable=SC2086
  exec java $flags -Xmx512m -cp 'lib/*' kafka.Kafka conf/broker.properties
  ;;
connect)
  # shellcheck disable=SC2086
  exec java $flags -Xmx768m -cp 'lib/*' org.apache.kafka.connect.cli.ConnectDistributed conf/connect.properties
  ;;
*)
  echo 'start.sh broker | connect' >&2
  exit 64
  ;;
esac
