# Sourced. Where things lie: what was fetched (shared, by content) and what an instance keeps (its own).
cache=${TICKET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ticket-platform}
state_root=${TICKET_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/ticket-platform}
stores_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$stores_source/../.." && pwd)
# The start scripts belong to the chart, and run here as they run in its pods.
start_scripts=$repository/charts/ticket-stores/files

# The numeric user of every store, here and in the images.
store_user=65532

# The hash of all that decides what is fetched.
fetched_hash() {
  (cd "$stores_source" && find fetch maven elasticsearch-plugin -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-12
}
fetched=$cache/stores/$(fetched_hash)

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
fail() { say "FAILED: $*"; exit 1; }
