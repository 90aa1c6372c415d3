# Sourced after cluster.sh. The charts on the cluster: what `make up` and `make test` both do with them.
source "$repository/dev/images/release.sh" # workspace_version
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

# install_operator [TAG]: without TAG the chart's own version.
install_operator() {
  ensure_namespace ticket-operator
  helm upgrade --install ticket-operator charts/ticket-operator --namespace ticket-operator --set "image.tag=${1:-}" >/dev/null
  kubectl -n ticket-operator rollout status deployment/ticket-operator --timeout="$operator_ready_within" >/dev/null
}

# ensure_namespace NAME: enforces the restricted level, which all our pods pass.
ensure_namespace() {
  kubectl apply --server-side -f - >/dev/null <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: $1, labels: {pod-security.kubernetes.io/enforce: restricted}}
YAML
}

load_demonstration_data() {
  kubectl -n tickets exec -i postgres-0 -- \
    psql -q -v ON_ERROR_STOP=1 <examples/demo/demo.sql >/dev/null
}

# version_of_this_build: the workspace's version and a hash of everything in its images. So each change is a release of its
# own, with its migrations and its index.
version_of_this_build() {
  local programs=(ticket-operator event-management booking search ticket-migrate)
  echo "$(workspace_version)-$({ (cd "$CARGO_TARGET_DIR/debug" && cat "${programs[@]}"); cat migrations/*/*.sql migrations/feed.json services/search/index.json; } |
    sha256sum | cut -c1-8)"
}
