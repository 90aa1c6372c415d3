# Sourced. Where things lie, and the two messages of every script.
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# What was built or fetched, by content, for every checkout on this machine.
export TICKET_CACHE=${TICKET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ticket-platform}
# What an instance (a node, the five stores) keeps.
export TICKET_STATE=${TICKET_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/ticket-platform}
# One target folder for tests and images, outside the work tree: a fresh clone builds only what differs.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$TICKET_CACHE/target}

# say TEXT: a progress line.
say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

# fail TEXT: ends the script with a reason.
fail() { say "FAILED: $*"; exit 1; }
