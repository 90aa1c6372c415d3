# Sourced by cluster.sh: kind, where a Docker engine runs. Needs kind, kubectl and helm on the PATH.
kubeconfig=$TICKET_STATE/$instance/kind.kubeconfig
image_engine=docker

cluster_tools() {
  local program
  for program in kind kubectl helm; do
    command -v "$program" >/dev/null || { echo "there is a Docker engine but no $program: install it, or stop the engine to use dev/node" >&2; return 1; }
  done
  kubectl=$(command -v kubectl) helm=$(command -v helm)
}

cluster_up() {
  mkdir -p "${kubeconfig%/*}"
  kind get clusters | grep -qx "$instance" ||
    kind create cluster --name "$instance" --config "$repository/kind-config.yaml" --kubeconfig "$kubeconfig" --wait 120s >&2
}
cluster_import() { kind load docker-image "$1" --name "$instance"; }
cluster_down() { docker stop "$instance-control-plane" >&2; }
cluster_destroy() { kind delete cluster --name "$instance" --kubeconfig "$kubeconfig" >&2; rm -rf "${TICKET_STATE:?}/$instance"; }
