# Sourced by cluster.sh. A cluster of kind, in a Docker engine. It needs kind, kubectl and helm on the PATH.
kubeconfig=$TICKET_STATE/$instance/kind.kubeconfig
image_engine=docker

cluster_tools() {
  local program
  for program in kind kubectl helm; do
    command -v "$program" >/dev/null || { say "a Docker engine runs, but $program is missing: install it, or stop the engine to use dev/node"; return 1; }
  done
  kubectl=$(command -v kubectl) helm=$(command -v helm)
}

# kind_config: prints kind-config.yaml with the ports of $published.
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
