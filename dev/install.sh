# Sourced after cluster.sh. The charts on the cluster, and what `make up` and `make test` both do with them.
stores_ready_within=300s
operator_ready_within=120s

install_stores() {
  ensure_namespace tickets
  helm upgrade --install stores charts/ticket-stores --namespace tickets >/dev/null
  local store
  for store in postgres redis kafka connect elasticsearch; do
    kubectl -n tickets rollout status "statefulset/$store" --timeout="$stores_ready_within" >/dev/null
  done
}

install_operator() {
  ensure_namespace ticket-operator
  helm upgrade --install ticket-operator charts/ticket-operator --namespace ticket-operator >/dev/null
  kubectl -n ticket-operator rollout status deployment/ticket-operator --timeout="$operator_ready_within" >/dev/null
}

# All our pods pass the restricted level; the namespaces refuse any that does not.
ensure_namespace() {
  kubectl apply --server-side -f - >/dev/null <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: $1, labels: {pod-security.kubernetes.io/enforce: restricted}}
YAML
}

# The tag of a build stays the same while its content changes: pods that run the content of before are replaced.
restart_on_new_images() { # names of new images
  local image
  for image in $1; do
    case $image in
      */operator:*) kubectl -n ticket-operator rollout restart deployment/ticket-operator >/dev/null ;;
      */event-management:* | */booking:* | */search:*) restart_service "$(basename "${image%:*}")" ;;
    esac
  done
}

restart_service() {
  local deployments
  deployments=$(kubectl -n tickets get deployments -l "app.kubernetes.io/name=$1" -o name)
  [[ -z $deployments ]] || kubectl -n tickets rollout restart $deployments >/dev/null
}

load_demonstration_data() {
  kubectl -n tickets exec -i postgres-0 -- \
    psql -q -v ON_ERROR_STOP=1 <examples/demo/demo.sql >/dev/null
}
