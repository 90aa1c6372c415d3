# Sourced. Where things lie, and what every script here says in the same way.
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export TICKET_CACHE=${TICKET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ticket-platform}
export TICKET_STATE=${TICKET_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/ticket-platform}
# One target folder for tests and images, outside the work tree: a fresh clone builds only what differs.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$TICKET_CACHE/target}
# The instance that `make up` brings up; others run beside it.
instance=${TICKET_INSTANCE:-ticket}

# step TEXT: a progress line; what fails after it is named by it.
step() { current_step=$*; printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

# hint TEXT: what to do when the present step fails.
hint() { current_hint=$*; }

failed() {
  printf '\nFAILED: %s\n' "${current_step:-$0}" >&2
  [[ -z ${current_hint:-} ]] || printf 'What to do: %s\n' "$current_hint" >&2
}
trap failed ERR
set -E
# Without this a command that fails inside $(…) is passed over.
shopt -s inherit_errexit

# Optimised programs for measuring and for the long run of testing/history. One selection: another one would turn on other
# features of the same crates, and build them twice.
build_optimised() {
  cargo build --quiet --locked --release -p booking -p event-management -p search -p bench -p history
}
