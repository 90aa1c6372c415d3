# Sourced after environment.sh. Chooses the Kubernetes cluster: kind where a Docker engine answers, else the node of dev/node.
# The file of each kind of cluster defines:
#   cluster_tools                 builds or checks the programs that it needs; sets kubectl and helm
#   cluster_up                    starts it, unless it runs; publishes $published (ports of 127.0.0.1)
#   cluster_import NAME ARCHIVE   gives it an image
#   cluster_down                  ends it and keeps its data
#   cluster_destroy               ends it and removes its data
# and sets kubeconfig and image_engine.
published=${TICKET_PORTS:-8080 8081 8082}
node_ports=(30080 30081 30082)

if docker info >/dev/null 2>&1; then cluster_kind=kind; else cluster_kind=node; fi
source "$repository/dev/cluster/$cluster_kind.sh"

kubectl() { "$kubectl" --kubeconfig "$kubeconfig" "$@"; }
helm() { KUBECONFIG=$kubeconfig "$helm" "$@"; }

# import_images: reads lines "NAME ARCHIVE" and imports the images that this cluster does not have yet.
import_images() {
  local known=$TICKET_STATE/$instance/imported name archive
  mkdir -p "${known%/*}"; touch "$known"
  while read -r name archive; do
    grep -qxF "$archive" "$known" && continue
    cluster_import "$name" "$archive" >&2 || return 1
    echo "$archive" >>"$known"
  done
}
