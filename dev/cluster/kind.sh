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

# kind-config.yaml with the ports that are asked for.
kind_config() {
  local ports i=0 config
  read -ra ports <<<"$published"
  config=$(<"$repository/kind-config.yaml")
  for port in 8080 8081 8082; do config=${config/hostPort: $port/hostPort: ${ports[i++]}}; done
  echo "$config"
}

cluster_up() {
  mkdir -p "${kubeconfig%/*}"
  if kind get clusters | grep -qx "$instance"; then docker start "$instance-control-plane" >&2; return; fi
  kind_config | kind create cluster --name "$instance" --config - --kubeconfig "$kubeconfig" --wait 120s >&2
}
cluster_import() { kind load docker-image "$1" --name "$instance"; }
cluster_down() { docker stop "$instance-control-plane" >&2; }
cluster_destroy() { kind delete cluster --name "$instance" --kubeconfig "$kubeconfig" >&2; rm -rf "${TICKET_STATE:?}/$instance"; }
