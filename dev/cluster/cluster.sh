# Sourced after environment.sh. The Kubernetes to work with: kind where there is a Docker engine, else a node of our own.
# Each kind of cluster is a file that defines:
#   cluster_tools            build or check what it needs
#   cluster_up               start it, or do nothing when it runs; publishes $published (ports of 127.0.0.1)
#   cluster_import NAME ARCHIVE   make an image known to it
#   cluster_down, cluster_destroy
# and sets kubeconfig, kubectl, helm and image_engine.
published=${TICKET_PORTS:-8080 8081 8082}
node_ports=(30080 30081 30082)

if docker info >/dev/null 2>&1; then cluster_kind=kind; else cluster_kind=node; fi
source "$repository/dev/cluster/$cluster_kind.sh"

kubectl() { "$kubectl" --kubeconfig "$kubeconfig" "$@"; }
helm() { KUBECONFIG=$kubeconfig "$helm" "$@"; }

# Imports what this cluster does not have yet.
import_images() { # lines "NAME ARCHIVE" on standard input
  local known=$TICKET_STATE/$instance/imported name archive
  mkdir -p "${known%/*}"; touch "$known"
  while read -r name archive; do
    grep -qxF "$archive" "$known" && continue
    cluster_import "$name" "$archive" >&2 || return 1
    echo "$archive" >>"$known"
  done
}
