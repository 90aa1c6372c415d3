# Sourced by cluster.sh. The one-node Kubernetes of dev/node.
kubeconfig=$TICKET_STATE/$instance/node/kubeconfig
image_engine=buildah

cluster_tools() {
  node_bin=$("$repository/dev/node/build")
  kubectl=$node_bin/kubectl helm=$node_bin/helm
}

ticket_node() { local command=$1; shift; "$repository/dev/node/ticket-node" "$command" --name "$instance" --bin "$node_bin" "$@"; }

cluster_up() {
  local publish=() host_ports i
  read -ra host_ports <<<"$published"
  for i in 0 1 2; do publish+=(--publish "127.0.0.1:${host_ports[i]}=${node_ports[i]}"); done
  ticket_node up "${publish[@]}" >&2
}
cluster_import() { ticket_node import "$2"; }
cluster_down() { ticket_node down >&2; }
cluster_destroy() { ticket_node destroy >&2; rm -rf "${TICKET_STATE:?}/$instance"; }
